import { rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Blobs } from '../../../platform/blobs/blobs.ts';
import { isPlain, lookAt } from '../../../platform/blobs/plain-file.ts';
import type { HandleStore } from './handle-store.ts';

/** Smaller ones are not worth a compressed file each. */
const leastBytes = 64 * 1024;

export interface ColdContents {
  dir: string;
  blobs: Blobs;
  /** Of a sealed handle; undefined where there is none. */
  find: (handleId: string) => { bytes: number; sha256?: string | undefined } | undefined;
  /** Handles that need no second look, which are added to. */
  seen: Set<string>;
}

/** Compresses the contents of sealed handles last written before a time, one after the other, while it may go on. */
export async function compressContents(
  { dir, blobs, find, seen }: ColdContents,
  before: number,
  mayGoOn: () => boolean,
): Promise<void> {
  for (const id of await readdir(dir)) {
    if (!mayGoOn()) return;
    if (!id.startsWith('hdl_') || seen.has(id)) continue;
    const path = join(dir, id);
    const stat = lookAt(path);
    if (!isPlain(stat) || stat.mtimeMs > before) continue;
    const known = find(id);
    if (known?.sha256 === undefined) continue;
    const isCompressed = stat.size !== known.bytes;
    if (!isCompressed && known.bytes >= leastBytes) {
      const done = await blobs.compress(path, known.sha256, known.bytes, mayGoOn);
      // Deleted meanwhile: nothing may come back under its name.
      if (find(id) === undefined) rmSync(path, { force: true });
      if (!done && !mayGoOn()) return;
    }
    seen.add(id);
  }
}

export interface ColdWatch {
  close: () => void;
}

const leastIntervalMs = 1_000;
const mostIntervalMs = 60_000;

/** Compresses what has lain for so long, whenever nothing is being done. 0 ms never does. */
export function watchCold(options: {
  handles: Pick<HandleStore, 'compressCold'>;
  afterMs: number;
  isWorking: () => boolean;
  onError: (error: unknown) => void;
}): ColdWatch {
  const { handles, afterMs, isWorking, onError } = options;
  if (afterMs === 0) return { close: () => undefined };
  let isClosed = false;
  let isBusy = false;
  const look = async (): Promise<void> => {
    if (isBusy || isWorking()) return;
    isBusy = true;
    await handles.compressCold(Date.now() - afterMs, () => !isClosed && !isWorking()).catch(onError);
    isBusy = false;
  };
  const intervalMs = Math.min(mostIntervalMs, Math.max(leastIntervalMs, afterMs));
  const timer = setInterval(() => void look(), intervalMs).unref();
  return {
    close: () => {
      isClosed = true;
      clearInterval(timer);
    },
  };
}
