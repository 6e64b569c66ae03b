import { linkSync, renameSync, rmSync, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { nanoid } from 'nanoid';
import { failpoint } from '../failpoint.ts';
import { isPlain, lookAt } from './plain-file.ts';

export interface Collected {
  files: number;
  /** As they lie on disk. */
  bytes: number;
}

export interface CollectOptions {
  dryRun?: boolean;
  /** A name in between two steps is that of a process that died, once it is this old. */
  leftoverMs?: number;
}

const defaultLeftoverMs = 60_000;

const folderName = /^[0-9a-f]{2}$/;
const blobName = /^[0-9a-f]{64}(?:\.br)?$/;
const stepName = /^\.(?:link|frames)-[\w-]{21}$/;
/** A blob on its way out, with the name it had. */
const freedName = /^\.freed-([0-9a-f]{64}(?:\.br)?)-[\w-]{21}$/;

export async function usage(dir: string): Promise<Collected> {
  const total = { files: 0, bytes: 0 };
  for await (const { name, size } of files(dir)) if (blobName.test(name)) add(total, size);
  return total;
}

/**
 * Frees the blobs that have no other name. Nobody can give one another name once its own is taken away:
 * what got one before that, between the look and the step, gets its own back.
 */
export async function collect(
  dir: string,
  { dryRun = false, leftoverMs = defaultLeftoverMs }: CollectOptions,
): Promise<Collected> {
  const freed = { files: 0, bytes: 0 };
  const now = Date.now();
  for await (const { path, name, links, size, changedMs } of files(dir)) {
    if (name.startsWith('.')) {
      if (!dryRun && now - Math.floor(changedMs) >= leftoverMs) clear(path, name, links);
    } else if (blobName.test(name) && links === 1 && (dryRun || free(path, name))) add(freed, size);
  }
  return freed;
}

function clear(path: string, name: string, links: number): void {
  const [, blob] = freedName.exec(name) ?? [];
  if (blob !== undefined && links > 1) giveBack(path, join(dirname(path), blob));
  else if (blob !== undefined || stepName.test(name)) rmSync(path, { force: true });
}

function free(path: string, name: string): boolean {
  const taken = join(dirname(path), `.freed-${name}-${nanoid()}`);
  try {
    renameSync(path, taken);
  } catch {
    // Another process was first.
    return false;
  }
  failpoint('blob.free.torn');
  const isReferred = (lookAt(taken)?.nlink ?? 1) > 1;
  if (isReferred) giveBack(taken, path);
  else rmSync(taken, { force: true });
  return !isReferred;
}

/** Where there is another blob of that content by now, those who have this one read it by themselves. */
function giveBack(taken: string, path: string): void {
  try {
    linkSync(taken, path);
  } catch {
    // Its place is taken.
  }
  rmSync(taken, { force: true });
}

interface Found {
  path: string;
  name: string;
  links: number;
  size: number;
  changedMs: number;
}

/** Looked at in one go, a third of a millisecond: each by itself would cost ten times that (measured). */
const stride = 64;

/**
 * The files in the folders of ours: what was left in between two steps before the blobs it is a name of, but a
 * blob on its way out last, since one that came in its place and has no other name by now makes room for it.
 */
async function* files(dir: string): AsyncGenerator<Found> {
  let looked = 0;
  for (const folder of (await readdir(dir)).filter((name) => folderName.test(name))) {
    const inside = join(dir, folder);
    if (lookAt(inside)?.isDirectory() !== true) continue;
    for (const name of (await readdir(inside).catch(() => [])).sort(
      (one, other) => rank(one) - rank(other),
    )) {
      const path = join(inside, name);
      if ((looked += 1) % stride === 0) await nextTurn();
      const found = plainAt(path);
      if (found !== undefined)
        yield { path, name, links: found.nlink, size: found.size, changedMs: found.ctimeMs };
    }
  }
}

function rank(name: string): number {
  if (!name.startsWith('.')) return 1;
  return freedName.test(name) ? 2 : 0;
}

function plainAt(path: string): Stats | undefined {
  const found = lookAt(path);
  return isPlain(found) ? found : undefined;
}

function add(total: Collected, size: number): void {
  total.files += 1;
  total.bytes += size;
}
