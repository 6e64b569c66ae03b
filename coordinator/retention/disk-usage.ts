import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Blobs } from '../../platform/blobs/blobs.ts';

/** Where a state folder has outputs besides its blobs, as folders of files: `*` stands for each of them. */
const places = [['workers', '*', 'handles'], ['replicas']];

/** What outputs take in a state folder, in bytes as they lie on disk: blobs, and what is no blob. */
export async function diskUsage(stateDir: string, blobs: Pick<Blobs, 'usage'>): Promise<number> {
  let { bytes } = await blobs.usage();
  for (const place of places)
    for (const folder of await foldersOf(stateDir, place)) bytes += await ownBytes(folder);
  return bytes;
}

async function foldersOf(top: string, [step, ...rest]: readonly string[]): Promise<string[]> {
  if (step === undefined) return [top];
  const names = step === '*' ? await namesIn(top) : [step];
  return (await Promise.all(names.map((name) => foldersOf(join(top, name), rest)))).flat();
}

/** A file of a second name is a blob, and counted there. */
async function ownBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await namesIn(folder)) {
    const stat = await lstat(join(folder, name)).catch(() => undefined);
    if (stat?.isFile() === true && stat.nlink === 1) bytes += stat.size;
  }
  return bytes;
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
