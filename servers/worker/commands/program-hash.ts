import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';

/** Hashes by file; good for as long as the file is the same one, unchanged. */
const known = new Map<string, { identity: string; sha256: string }>();
const mostKnown = 1_000;
const pieceBytes = 1024 * 1024;

/** What changes when a file is replaced or written: ctime cannot be set back. */
export function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** The hash of a file looked at before, where it is still as it was. */
export function knownHash(file: string, identity: string): string | undefined {
  const found = known.get(file);
  return found?.identity === identity ? found.sha256 : undefined;
}

/** The sha256 of a file, in hex, and from now on known. */
export function hashProgram(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const before = identityOf(fstatSync(fd, { bigint: true }));
    const hash = createHash('sha256');
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (let read = readSync(fd, piece); read > 0; read = readSync(fd, piece))
      hash.update(piece.subarray(0, read));
    const sha256 = hash.digest('hex');
    if (identityOf(fstatSync(fd, { bigint: true })) === before) {
      if (known.size >= mostKnown) known.clear();
      known.set(file, { identity: before, sha256 });
    }
    return sha256;
  } finally {
    closeSync(fd);
  }
}
