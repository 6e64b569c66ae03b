import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A worker's own keys, each in a 0600 file of its folder: the one it signs with, and the one to come. */
export interface Identity {
  current(): KeyObject;
  /** Made where there is none. */
  next(): KeyObject;
  /** Signs with the next from now on. */
  turn(): void;
}

/** Keys are made when they are first asked for. */
export function openIdentity(dir: string): Identity {
  const currentFile = join(dir, 'identity.pem');
  const nextFile = join(dir, 'identity.next.pem');
  return {
    current: () => readKey(currentFile) ?? makeKey(currentFile),
    next: () => readKey(nextFile) ?? makeKey(nextFile),
    turn() {
      renameSync(nextFile, currentFile);
      rmSync(nextFile, { force: true });
    },
  };
}

function readKey(file: string): KeyObject | undefined {
  try {
    return createPrivateKey(readFileSync(file));
  } catch {
    return undefined;
  }
}

function makeKey(file: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(`${file}.new`, pem, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return privateKey;
}
