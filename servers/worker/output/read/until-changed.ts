import { setTimeout as sleep } from 'node:timers/promises';
import type { HandleRecord } from '../../../../schemas/handle.ts';
import type { HandleReader } from '../handle-store.ts';

/** A look at a growing handle costs a look at a counter: often enough that nobody notices the wait. */
const lookEveryMs = 20;

/** Waits until a handle has grown or was sealed; false where neither happened in time, or it is gone. */
export async function untilChanged(
  store: HandleReader,
  before: HandleRecord,
  until: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const now = store.stat(before.handle_id);
    if (now === undefined) return false;
    if (now.bytes !== before.bytes || now.state !== before.state) return true;
    const leftMs = until - performance.now();
    if (leftMs <= 0) return false;
    await sleep(Math.min(lookEveryMs, leftMs), undefined, { signal });
  }
}
