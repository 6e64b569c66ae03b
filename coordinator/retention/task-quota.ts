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

/** How often the outputs of one task are added up, at most. */
const everyMs = 100;
/** Of the time, at most: adding up those of ten thousand runs takes some 10 ms. */
const shareOfTime = 1 / 20;
/** A run that has put out less is not worth the adding up, unless the quota itself is small. */
const leastBytes = 65_536;
const leastShare = 1 / 1024;
/** From here on, runs are told how much each of them may still store. */
const toldFrom = 1 / 2;
const method = 'codex-fleet/limit_run';

interface Telling {
  lane: string;
  bytes: number;
}

/**
 * Bounds what the outputs of one task take, each content counted once. Nothing is done until runs have
 * told of half of it, so that those that print little cost nothing; then each run under way gets a bound of
 * its own, kept to the byte where it runs: what it has stored, and its part of what is left, the more the
 * more it prints. What is stored passes the quota only where half of it is written before the first of
 * that is told (a worker tells of each 64th of it), within some tenths of a second; a run ends before all of it is used only where it prints
 * its part in less time than it takes to be told of another.
 */
export function createTaskQuota(options: TaskQuotaOptions): RunListener {
  const { store, attempts, fleet, quotaBytes, clock, log } = options;
  const least = Math.min(leastBytes, quotaBytes * leastShare);
  const notBeforeMs = new Map<string, number>();
  const telling = new Map<string, Telling>();

  /** Whether it is time again; those of other tasks that are past theirs are of no use. */
  function isDue(lane: string): boolean {
    const nowMs = clock.uptimeMs();
    for (const [key, atMs] of notBeforeMs) if (nowMs >= atMs) notBeforeMs.delete(key);
    if (notBeforeMs.has(lane)) return false;
    notBeforeMs.set(lane, nowMs + everyMs);
    return true;
  }
  async function check({ owner, spec: { task_id: taskId } }: RunRecord, lane: string): Promise<void> {
    const begunMs = clock.uptimeMs();
    const stored = await store.storedBytesOf(owner, taskId);
    const endedMs = clock.uptimeMs();
    notBeforeMs.set(lane, endedMs + Math.max(everyMs, (endedMs - begunMs) / shareOfTime));
    if (stored < quotaBytes * toldFrom) return;
    const runs = [...telling].filter(([, one]) => one.lane === lane);
    const weight = (bytes: number): number => bytes + leastBytes;
    const weights = runs.reduce((sum, [, { bytes }]) => sum + weight(bytes), 0);
    const left = Math.max(0, quotaBytes - stored);
    const error = `Its task "${taskId}" has stored as much as it may: ${String(quotaBytes)} bytes are allowed (output.task_quota_bytes).`;
    if (left === 0) log.warn({ task: taskId, stored }, 'runs are ended: their task has stored too much');
    await Promise.all(
      runs.map(([runId, { bytes }]) => {
        const part = Math.floor((left * weight(bytes)) / weights);
        return limit(runId, left === 0 ? 0 : bytes + part, error);
      }),
    );
  }
  async function limit(id: string, maxBytes: number, error: string): Promise<void> {
    for (const { worker_id: workerId, remote_run_id: runId } of attempts.ofRun(id)) {
      const link = fleet.get(workerId)?.link;
      const params = { max_bytes: maxBytes, error };
      if (runId !== undefined)
        await link?.request(method, workerRequests[method], { run_id: runId, ...params });
    }
  }
  return {
    changed(run) {
      if (isTerminal(run.status)) return;
      const bytes = run.handles.reduce((sum, handle) => sum + handle.bytes, 0);
      if (bytes < least) return;
      const lane = laneOf(run);
      telling.set(run.run_id, { lane, bytes });
      if (!isDue(lane)) return;
      check(run, lane).catch((error: unknown) => {
        log.warn({ run: run.run_id, err: error }, 'what a task has stored could not be checked');
      });
    },
    ended: (run) => void telling.delete(run.run_id),
  };
}
