import { setTimeout as delay } from 'node:timers/promises';
import type { Fleet } from './connect.ts';
import { drainWorker, restartWorker, runsOf } from './operate.ts';

export interface RestartOptions {
  /** From then on conversations are stopped at their turn boundary. */
  interruptAfterMs: number;
  timeoutMs: number;
  /** Aborted: leaves the worker at hand as it is, and stops. */
  signal: AbortSignal;
  say: (line: string) => void;
}

export interface RestartResult {
  worker_id: string;
  restarted: boolean;
}

const lookEveryMs = 250;

/** One worker after the other: drained, restarted, and taking runs again, whatever comes between. */
export async function restartInTurn(
  fleet: Fleet,
  workers: readonly string[],
  options: RestartOptions,
): Promise<RestartResult[]> {
  const results: RestartResult[] = [];
  for (const worker of workers) {
    if (options.signal.aborted) break;
    const wasDrained = await isDrained(fleet, worker);
    await drainWorker(fleet, worker, true);
    try {
      const restarted = await restartOne(fleet, worker, options);
      results.push({ worker_id: worker, restarted });
      options.say(restarted ? `${worker} has been restarted.` : `${worker} has not been restarted.`);
    } finally {
      if (!wasDrained) await drainWorker(fleet, worker, false);
    }
  }
  return results;
}

async function isDrained(fleet: Fleet, workerId: string): Promise<boolean> {
  const { workers } = await fleet.call('list_workers', {});
  return workers.find((worker) => worker.worker_id === workerId)?.state === 'draining';
}

async function restartOne(fleet: Fleet, worker: string, options: RestartOptions): Promise<boolean> {
  const { interruptAfterMs, timeoutMs, signal, say } = options;
  const begun = performance.now();
  for (let told = false; !signal.aborted; told = true) {
    const tookMs = performance.now() - begun;
    const { restarted, open } = await restartWorker(fleet, worker, tookMs >= interruptAfterMs);
    if (restarted) return true;
    if (!told) say(`${worker} finishes ${runsOf(open)}.`);
    if (tookMs >= timeoutMs) return false;
    await delay(lookEveryMs, undefined, { signal }).catch(() => undefined);
  }
  return false;
}
