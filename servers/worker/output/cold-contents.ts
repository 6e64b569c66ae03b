import { rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
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
  /**
   * When a handle that was looked at was last written, which is added to: it needs no second look before that
   * is long enough ago, and none at all where that is `never`.
   */
  looked: Map<string, number>;
}

/** In place of a time: what is done with. */
export const never = Infinity;
/** Files looked at in one go. */
const stride = 64;

/** Compresses the contents of sealed handles last written before a time, one after the other, while it may go on. */
export async function compressContents(
  { dir, blobs, find, looked }: ColdContents,
  before: number,
  mayGoOn: () => boolean,
): Promise<void> {
  let looks = 0;
  for (const id of await readdir(dir)) {
    if (!mayGoOn()) return;
    if (!id.startsWith('hdl_') || (looked.get(id) ?? 0) > before) continue;
    const path = join(dir, id);
    const stat = lookAt(path);
    if ((looks += 1) % stride === 0) await nextTurn();
    if (!isPlain(stat)) continue;
    const known = find(id);
    if (known?.sha256 === undefined) continue;
    looked.set(id, stat.mtimeMs);
    if (stat.mtimeMs > before) continue;
    const isCompressed = stat.size !== known.bytes;
    if (!isCompressed && known.bytes >= leastBytes) {
      const done = await blobs.compress(path, known.sha256, known.bytes, mayGoOn);
      // Deleted meanwhile: nothing may come back under its name.
      if (find(id) === undefined) rmSync(path, { force: true });
      if (!done && !mayGoOn()) return;
    }
    looked.set(id, never);
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
