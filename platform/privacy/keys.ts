import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import type { Mac } from '../../core/privacy/surrogate.ts';

export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** A key for one purpose, of 32 bytes (HKDF-SHA256, RFC 5869). */
export function deriveKey(key: Uint8Array, purpose: string, salt = ''): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, `codex-fleet ${purpose} v1`, keyBytes));
}

/** Makes surrogates, see core/privacy/surrogate.ts. */
export function createMac(key: Uint8Array): Mac {
  return (message) => createHmac('sha256', key).update(message).digest();
}

/** Nonce, AES-256-GCM ciphertext and tag. `context` must be the same to decrypt. */
export function encrypt(key: Uint8Array, plain: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** undefined where key or context is another one, or the box is damaged. */
export function decrypt(key: Uint8Array, box: Uint8Array, context: string): Buffer | undefined {
  if (box.length < nonceBytes + tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(Buffer.from(context)).setAuthTag(box.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(box.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** What DER puts before the 32 bytes of an X25519 key (RFC 8410). */
const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b656e032100', 'hex');

export function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' });
}

export function publicKeyOf(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([publicPrefix, raw]), format: 'der', type: 'spki' });
}

/** The 32 bytes of the public key, of either key of a pair. */
export function publicBytes(key: KeyObject): Buffer {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return half.export({ format: 'der', type: 'spki' }).subarray(publicPrefix.length);
}
