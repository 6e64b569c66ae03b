import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isPlain } from './plain-file.ts';

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

export async function usage(dir: string): Promise<Collected> {
  const total = { files: 0, bytes: 0 };
  for await (const { name, size } of files(dir)) if (blobName.test(name)) add(total, size);
  return total;
}

/**
 * Frees the blobs that have no other name. One that gets another between the look and the removal
 * loses only its name here: its bytes stay with whoever has the other.
 */
export async function collect(
  dir: string,
  { dryRun = false, leftoverMs = defaultLeftoverMs }: CollectOptions,
): Promise<Collected> {
  const freed = { files: 0, bytes: 0 };
  const now = Date.now();
  for await (const { path, name, changedMs } of files(dir)) {
    if (!dryRun && stepName.test(name) && now - Math.floor(changedMs) >= leftoverMs)
      await rm(path, { force: true });
  }
  for await (const { path, name, links, size } of files(dir)) {
    if (!blobName.test(name) || links !== 1) continue;
    if (!dryRun) await rm(path, { force: true });
    add(freed, size);
  }
  return freed;
}

interface Found {
  path: string;
  name: string;
  links: number;
  size: number;
  changedMs: number;
}

/** The files of ours in the folders of ours. */
async function* files(dir: string): AsyncGenerator<Found> {
  for (const folder of (await readdir(dir)).filter((name) => folderName.test(name))) {
    const inside = join(dir, folder);
    const stat = await lstat(inside).catch(() => undefined);
    if (stat?.isDirectory() !== true) continue;
    for (const name of await readdir(inside).catch(() => [])) {
      const path = join(inside, name);
      const found = await lstat(path).catch(() => undefined);
      if (isPlain(found))
        yield { path, name, links: found.nlink, size: found.size, changedMs: found.ctimeMs };
    }
  }
}

function add(total: Collected, size: number): void {
  total.files += 1;
  total.bytes += size;
}
