import { createHash } from 'node:crypto';
import { closeSync, type Stats } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readFramed } from './framed.ts';
import { openPlain, readInto } from './plain-file.ts';
import type { FileContent, StoredContent } from './stored-content.ts';

/**
 * Opens a stored output of `bytes` bytes, compressed or not. undefined where there is no file of ours, or
 * one that cannot be it. A shorter one has lost its end.
 */
export function openContent(path: string, bytes: number): FileContent | undefined {
  const file = openPlain(path);
  if (file === undefined) return undefined;
  const { fd, stat } = file;
  if (stat.size < bytes) {
    const framed = readFramed(fd, stat);
    if (framed?.size === bytes) return framed;
  }
  if (stat.size <= bytes) return asItIs(fd, stat);
  closeSync(fd);
  return undefined;
}

/** Opens a stored output of unknown size; undefined where there is no file of ours. */
export function openUnknown(path: string, form: 'plain' | 'framed'): FileContent | undefined {
  const file = openPlain(path);
  if (file === undefined) return undefined;
  if (form === 'plain') return asItIs(file.fd, file.stat);
  const framed = readFramed(file.fd, file.stat);
  if (framed === undefined) closeSync(file.fd);
  return framed;
}

function asItIs(fd: number, stat: Stats): FileContent {
  return {
    stat,
    size: stat.size,
    readInto: (offset, target) => readInto(fd, offset, target),
    close: () => closeSync(fd),
  };
}

/** Bytes compared or hashed in one go, so that calls are served in between. */
const sliceBytes = 1 << 20;

/** Whether two contents are the same, byte for byte. */
export async function isSame(one: StoredContent, other: StoredContent): Promise<boolean> {
  if (one.size !== other.size) return false;
  const [left, right] = [buffer(one.size), buffer(one.size)];
  for (let at = 0; at < one.size; at += sliceBytes) {
    if (at > 0) await nextTurn();
    const length = one.readInto(at, left);
    if (other.readInto(at, right) !== length) return false;
    if (left.compare(right, 0, length, 0, length) !== 0) return false;
  }
  return true;
}

export async function sha256Of(content: StoredContent): Promise<string> {
  const hash = createHash('sha256');
  const slice = buffer(content.size);
  for (let at = 0; at < content.size; at += sliceBytes) {
    if (at > 0) await nextTurn();
    hash.update(slice.subarray(0, content.readInto(at, slice)));
  }
  return hash.digest('hex');
}

function buffer(size: number): Buffer {
  return Buffer.allocUnsafe(Math.min(sliceBytes, size));
}
