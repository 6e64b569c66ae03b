import { setTimeout as delay } from 'node:timers/promises';
import type { Parts } from './assemble.ts';

/** What becomes of runs: kept, waited for, cancelled, or left to the next coordinator as they run. */
export type StopHow = 'keep' | 'drain' | 'cancel' | 'hand_over';

/** A worker told to end has this long before it is killed. */
const workerGraceMs = 2_500;
const cancelPatienceMs = 2_500;
const manifestPatienceMs = 1_000;
const countPatienceMs = 2_000;
const lookEveryMs = 20;

/** Ends what the coordinator does: nothing new is placed, runs end as asked, workers end, the last is written down. */
export async function stopParts(parts: Parts, how: StopHow): Promise<void> {
  const { scheduler, hedges, fleet, asks, manifests, replicas, copies, telemetry, log } = parts;
  scheduler.stop();
  hedges.stop();
  asks.close();
  if (how === 'cancel') await cancelAll(parts);
  if (how === 'drain') await untilQuiet(parts, Infinity);
  await parts.meter?.close(countPatienceMs);
  await Promise.all([replicas.stop(), copies.close()]);
  if (how === 'hand_over') await fleet.letGo();
  else await fleet.stop(workerGraceMs);
  await within(manifests.close(), manifestPatienceMs);
  await within(telemetry.close(), manifestPatienceMs);
  log.info({ how }, 'stopped');
}

async function cancelAll(parts: Parts): Promise<void> {
  const { store, attempts, scheduler, dispatch, changes, clock } = parts;
  const ids = (await store.open()).map((run) => run.run_id);
  const now = clock.now();
  changes.announce(await store.cancel(ids, now));
  for (const id of ids) scheduler.withdraw(id);
  await within(dispatch.cancel([...attempts.all()]), cancelPatienceMs);
  await untilQuiet(parts, cancelPatienceMs);
}

/** Until no run holds a slot any more. */
async function untilQuiet({ attempts }: Parts, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  const isBusy = (): boolean => [...attempts.all()].some((attempt) => attempt.holdsSlot);
  while (isBusy() && performance.now() < deadline) await delay(lookEveryMs);
}

async function within(work: Promise<unknown>, patienceMs: number): Promise<void> {
  const given = new AbortController();
  await Promise.race([work, delay(patienceMs, undefined, { signal: given.signal })]);
  given.abort();
}
