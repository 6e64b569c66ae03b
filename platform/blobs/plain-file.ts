import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';

/** A file's content, open to be read; `stat` is of when it was opened. */
export interface PlainFile {
  fd: number;
  stat: Stats;
}

/** Opens a file of our own for reading, and nothing else: links, pipes, folders and foreign files are refused. */
export function openPlain(path: string): PlainFile | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return undefined;
  }
  const stat = fstatSync(fd);
  if (isPlain(stat)) return { fd, stat };
  closeSync(fd);
  return undefined;
}

/** What is there under a name, links not followed. */
export function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

export function isPlain(stat: Stats | undefined): stat is Stats {
  return stat !== undefined && stat.isFile() && (ownUid === undefined || stat.uid === ownUid);
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

const ownUid = process.getuid?.();
