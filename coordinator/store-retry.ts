import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../core/errors.ts';

const againAfterMs = 1_000;

/** Repeats a change until the store takes it: a full disk passes, and what is decided must be kept. */
export async function untilStored(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof FleetError) || error.code !== 'STORE_UNAVAILABLE') throw error;
    }
    await delay(againAfterMs, undefined, { ref: false });
  }
}
