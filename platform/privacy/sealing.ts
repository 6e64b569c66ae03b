import { diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { decrypt, deriveKey, encrypt, publicBytes, publicKeyOf } from './keys.ts';

/** Encrypts for whoever has the private key; what it made, it cannot be asked to open. */
export interface Sealer {
  /** The public half of a key pair that lives as long as the sealer. */
  readonly ephemeral: Buffer;
  seal(plain: Uint8Array, context: string): Buffer;
}

/** One agreement of keys for many boxes (ECIES: X25519, HKDF, AES-256-GCM with random nonces). */
export function createSealer(recipient: Uint8Array): Sealer {
  const pair = generateKeyPairSync('x25519');
  const ephemeral = publicBytes(pair.publicKey);
  const key = agree(pair.privateKey, publicKeyOf(recipient), [ephemeral, recipient]);
  return { ephemeral, seal: (plain, context) => encrypt(key, plain, context) };
}

/** Opens boxes of one sealer; undefined for a damaged box, another recipient's or another context. */
export function createOpener(
  privateKey: KeyObject,
  ephemeral: Uint8Array,
): (box: Uint8Array, context: string) => Buffer | undefined {
  const key = agree(privateKey, publicKeyOf(ephemeral), [ephemeral, publicBytes(privateKey)]);
  return (box, context) => decrypt(key, box, context);
}

function agree(own: KeyObject, other: KeyObject, parties: readonly Uint8Array[]): Buffer {
  const shared = diffieHellman({ privateKey: own, publicKey: other });
  return deriveKey(shared, 'sealing', Buffer.concat(parties).toString('base64'));
}
