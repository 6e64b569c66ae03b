import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { errnoOf, openPlain, readInto } from '../../../platform/blobs/plain-file.ts';

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
  const file = openPlain(path);
  if (file === undefined) return undefined;
  if (file.stat.nlink === 1) return { fd: file.fd, size: file.stat.size };
  closeSync(file.fd);
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
