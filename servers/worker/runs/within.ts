import { setTimeout as delay } from 'node:timers/promises';

/** Waits for the work, at most `ms`; whether it was done by then. `work` must not reject. */
export async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  const given = new AbortController();
  const late = delay(ms, false, { signal: given.signal }).catch(() => false);
  const isDone = await Promise.race([work.then(() => true), late]);
  given.abort();
  return isDone;
}
