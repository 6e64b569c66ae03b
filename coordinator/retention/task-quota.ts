import type { Logger } from '../../platform/log.ts';
import { workerRequests } from '../../schemas/operator.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import type { RunListener } from '../changes.ts';
import type { Clock } from '../clock.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { laneOf, type OpenAttempts } from '../fleet/open-attempts.ts';
import type { RunRecord, RunStore } from '../store/run-store.ts';

export interface TaskQuotaOptions {
  store: Pick<RunStore, 'storedBytesOf'>;
  attempts: Pick<OpenAttempts, 'ofRun'>;
  fleet: Pick<Fleet, 'get'>;
  quotaBytes: number;
  clock: Pick<Clock, 'uptimeMs'>;
  log: Logger;
}

/** How often the outputs of one task are added up. */
const everyMs = 1_000;
/** A run that has put out less is not worth the adding up, unless the quota itself is small. */
const leastBytes = 65_536;
const leastShare = 1 / 1024;
const method = 'codex-fleet/limit_run';

/**
 * Ends runs of a task whose outputs take more than they may, as they tell of what they put out: within
 * seconds, and not by the byte, which costs runs that print little nothing.
 */
export function createTaskQuota(options: TaskQuotaOptions): RunListener {
  const { store, attempts, fleet, quotaBytes, clock, log } = options;
  const least = Math.min(leastBytes, quotaBytes * leastShare);
  const addedUpMs = new Map<string, number>();

  /** Whether it is time again; those of other tasks that are as old are of no use. */
  function isDue(task: string): boolean {
    const nowMs = clock.uptimeMs();
    for (const [key, atMs] of addedUpMs) if (nowMs - atMs >= everyMs) addedUpMs.delete(key);
    if (addedUpMs.has(task)) return false;
    addedUpMs.set(task, nowMs);
    return true;
  }
  async function check(run: RunRecord): Promise<void> {
    const { task_id: taskId } = run.spec;
    const stored = await store.storedBytesOf(run.owner, taskId);
    if (stored <= quotaBytes) return;
    const error = `Its task "${taskId}" has stored ${String(stored)} bytes; ${String(quotaBytes)} are allowed (output.task_quota_bytes).`;
    log.warn({ run: run.run_id, task: taskId, stored }, 'a run is ended: its task has stored too much');
    for (const { worker_id: workerId, remote_run_id: runId } of attempts.ofRun(run.run_id)) {
      const link = fleet.get(workerId)?.link;
      if (runId !== undefined) await link?.request(method, workerRequests[method], { run_id: runId, error });
    }
  }
  return {
    changed(run) {
      if (isTerminal(run.status)) return;
      const bytes = run.handles.reduce((sum, handle) => sum + handle.bytes, 0);
      if (bytes < least || !isDue(laneOf(run))) return;
      check(run).catch((error: unknown) => {
        log.warn({ run: run.run_id, err: error }, 'what a task has stored could not be checked');
      });
    },
    ended: () => undefined,
  };
}
