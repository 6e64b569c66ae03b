import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isPlain, lookAt } from '../../../platform/blobs/plain-file.ts';

/** So long somebody may still look for what a power cut took from the journal. */
const strayMs = 24 * 60 * 60 * 1000;

/**
 * Removes contents no line of the journal is about, a day after they were written: a power cut may take the
 * line of a handle and leave its file, which then nothing would ever refer to, or free. Only names that are
 * in nobody's records are looked at.
 */
export async function sweepStrays(
  dir: string,
  isKnown: (handleId: string) => boolean,
  now: number,
): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!name.startsWith('hdl_') || isKnown(name)) continue;
    const path = join(dir, name);
    const found = lookAt(path);
    // Asked again: nothing was waited for since.
    if (isPlain(found) && now - found.mtimeMs > strayMs && !isKnown(name)) await rm(path, { force: true });
  }
}
