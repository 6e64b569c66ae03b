import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { longestDelayMs } from '../../core/retry.ts';
import { killHard, runningEngines } from './processes.ts';
import type { Stage } from './stage.ts';
import type { Traffic } from './traffic.ts';

/** Of a lease, and 5 s. */
const stuckMs = 35_000;
const afterwardsMs = 12_000;
/** A worker that failed often is tried by one run first, and waited for. */
const musterMs = 40_000;
const lookMs = 100;

/**
 * Until every run has ended: how long after its own process, or the last fault, the slowest was seen to.
 * Neither what still runs nor what waits for a time it tells is stuck; but that time may be no longer
 * than a retry may be put off.
 */
export async function settle({ traffic, oracle, site, violations }: Stage): Promise<number> {
  const lastFaultMs = Date.now();
  let busyMs = lastFaultMs;
  let putOffMs = 0;
  while (traffic.open > 0 && Date.now() - busyMs < stuckMs) {
    const now = Date.now();
    putOffMs = Math.max(putOffMs, traffic.parkedUntil() - now);
    if (runningEngines(site).length > 0) busyMs = now;
    busyMs = Math.max(busyMs, Math.min(traffic.parkedUntil(), now + longestDelayMs));
    await delay(lookMs);
  }
  oracle.look();
  let worst = 0;
  for (const { key, endSeenMs = Date.now() } of traffic.asked) {
    const ended = oracle.of(key).endSeenMs;
    if (ended !== undefined)
      worst = Math.max(worst, endSeenMs - Math.max(ended, Math.min(lastFaultMs, endSeenMs)));
  }
  const stuck = (what: string): number => violations.push({ promise: 'stuck', what });
  if (traffic.open > 0) stuck(`${String(traffic.open)} runs did not end within the lease + 5 s`);
  if (worst > stuckMs) stuck(`a run was told to have ended ${String(worst)} ms after its process`);
  if (putOffMs > longestDelayMs) stuck(`a run was put off for ${String(putOffMs)} ms`);
  return worst;
}

/** Nothing of a run that has ended is left, neither process nor slot. The slots that leaked. */
export async function checkLeft(stage: Stage): Promise<number> {
  const { site, traffic, violations } = stage;
  await until(afterwardsMs, () => runningEngines(site).length === 0);
  for (const { id } of runningEngines(site))
    violations.push({ promise: 'orphans', what: `${id}: still runs after its run has ended` });
  const busy = await awaitIdle(traffic);
  if (busy !== undefined) violations.push({ promise: 'slots', what: `still taken: ${busy}` });
  const leaked = await muster(stage);
  if (leaked > 0) violations.push({ promise: 'slots', what: `${String(leaked)} take no run` });
  return leaked;
}

/** As many runs as the fleet has slots, at once; how many of them find none. */
async function muster({ site, traffic }: Stage): Promise<number> {
  for (const { pid } of runningEngines(site)) killHard(pid);
  const runs = Array.from({ length: site.slots }, (_, at) => ({
    inputs: { id: `muster${String(at)}`, seconds: '120', code: '0' },
  }));
  const task = { cwd: site.work, task_id: 'muster', shared_workspace: true };
  await traffic.call('start_run', { pipeline: 'once', ...task, runs });
  let most = 0;
  await until(musterMs, () => {
    // A shell that is about to begin another program is there twice.
    most = Math.max(most, new Set(runningEngines(site).map(({ id }) => id)).size);
    return most >= site.slots;
  });
  await traffic.call('cancel_run', { task_id: 'muster' });
  await until(afterwardsMs, () => runningEngines(site).length === 0);
  return site.slots - most;
}

const workersReply = z.object({
  workers: z.array(z.object({ worker_id: z.string(), state: z.string(), busy: z.int() })),
});

/** Which workers are not up and idle in the end. */
export async function awaitIdle(traffic: Traffic): Promise<string | undefined> {
  let slots = '';
  for (const begun = Date.now(); Date.now() - begun < afterwardsMs; await delay(2 * lookMs)) {
    const { workers } = workersReply.parse(await traffic.call('list_workers', {}));
    if (workers.every(({ state, busy }) => state === 'up' && busy === 0)) return undefined;
    slots = JSON.stringify(workers);
  }
  return slots;
}

async function until(forMs: number, holds: () => boolean): Promise<void> {
  for (const begun = Date.now(); !holds() && Date.now() - begun < forMs;) await delay(lookMs / 2);
}
