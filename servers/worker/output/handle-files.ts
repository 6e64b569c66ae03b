import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';

/**
 * The system calls under handles. A file is opened only where it is a regular file of one name:
 * links and pipes another process may have put in its place are refused (`undefined`).
 */
export function openForAppend(path: string): number {
  const { O_RDWR, O_CREAT, O_EXCL, O_APPEND, O_NOFOLLOW } = constants;
  return openSync(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0o600);
}

/** A descriptor to read by, and the size there is now. */
export function openForRead(path: string): { fd: number; size: number } | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return undefined;
  }
  const stat = fstatSync(fd);
  if (stat.isFile() && stat.nlink === 1) return { fd, size: stat.size };
  closeSync(fd);
  return undefined;
}

/** Writes as much as the disk takes: how many bytes that was, and the errno where it was not all. */
export function writeFully(fd: number, bytes: Uint8Array): { written: number; errno: string | undefined } {
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(fd, bytes, written, bytes.length - written);
    return { written, errno: undefined };
  } catch (error) {
    return { written, errno: errnoOf(error) };
  }
}

/** Up to `length` bytes at `offset`, shorter only at the end of the file. */
export function readFully(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  return bytes.subarray(0, readInto(fd, offset, bytes));
}

/** Fills memory with the bytes at `offset`; answers how many, fewer than asked for only at the end of the file. */
export function readInto(fd: number, offset: number, target: Buffer): number {
  let filled = 0;
  while (filled < target.length) {
    const read = readSync(fd, target, filled, target.length - filled, offset + filled);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}

export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'EIO';
}
