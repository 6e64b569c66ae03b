import type { RunQueue } from '../core/queue.ts';
import type { Logger } from '../platform/log.ts';
import type { Changes } from './changes.ts';
import type { Clock } from './clock.ts';
import type { Dispatch } from './dispatch.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { OpenAttempt, OpenAttempts } from './fleet/open-attempts.ts';
import { leaseMs, type WaitingRun } from './scheduler.ts';
import type { Finish, Requeue, RunRecord, RunStore } from './store/run-store.ts';

export const heartbeatMs = 10_000;

export interface LeaseOptions {
  store: RunStore;
  queue: RunQueue<WaitingRun>;
  attempts: OpenAttempts;
  fleet: Pick<Fleet, 'get' | 'workers' | 'checkAll'>;
  dispatch: Pick<Dispatch, 'giveUp' | 'takeBack'>;
  changes: Changes;
  clock: Clock;
  /** Puts a run that came back into the queue. */
  enqueue(run: RunRecord, order: number | undefined): void;
}

export interface Leases {
  /** Renews the leases of every worker that answers, and settles runs whose worker stayed away too long. */
  check(): Promise<void>;
}

const beginsAgain = {
  outcome: { kind: 'lost', resumable: false },
  retry: { why: 'lost', delay_ms: 0, resumes: false },
} as const;
const isStranded = {
  status: 'failed',
  outcome: { kind: 'lost', resumable: true },
  handles: [],
  error: 'The worker that holds its thread is gone.',
} satisfies Partial<Finish>;

interface Missed {
  /** Which of its absences this is. */
  downSinceMs: number;
  /** What this coordinator had tried when it first missed the worker. */
  triedMs: number;
}

/**
 * A lease ends only after its worker was out of reach for the whole of it while this coordinator
 * tried to connect, and failed. What counts is time tried: one heartbeat for each check made, however
 * much later than the last one it comes. So neither the sleep of the machine counts, nor that of this
 * process (SIGSTOP: the uptime goes on), nor the time before it was started.
 */
export function createLeases(options: LeaseOptions): Leases {
  const { store, queue, attempts, fleet, dispatch, changes, clock, enqueue } = options;
  const missed = new Map<string, Missed>();
  let triedMs = 0;
  let checkedMs = clock.uptimeMs();

  function countTried(): void {
    const now = clock.uptimeMs();
    triedMs += Math.min(now - checkedMs, heartbeatMs);
    checkedMs = now;
    for (const { id, link, downSinceMs } of fleet.workers()) {
      if (link !== undefined) missed.delete(id);
      else if (missed.get(id)?.downSinceMs !== downSinceMs) missed.set(id, { downSinceMs, triedMs });
    }
  }
  function isGone(workerId: string): boolean {
    const worker = fleet.get(workerId);
    // Of no fleet this coordinator knows: missed from its start.
    if (worker === undefined) return triedMs >= leaseMs;
    if (worker.link !== undefined || worker.failedTries === 0) return false;
    return triedMs - (missed.get(workerId)?.triedMs ?? triedMs) >= leaseMs;
  }
  /** A run that rests keeps its thread, and its worker may come back for it; one to be cancelled does not wait. */
  function isLost(attempt: OpenAttempt | undefined): attempt is OpenAttempt {
    if (attempt === undefined || !isGone(attempt.worker_id)) return false;
    return attempt.holdsSlot || attempt.cancelRequested;
  }
  async function endExpired(): Promise<void> {
    const expired = await store.expired(clock.now());
    const lost = expired
      .map(({ run_id: id, attempt }) => attempts.ofRun(id).find((open) => open.attempt === attempt))
      .filter(isLost);
    const unsent = lost.filter((attempt) => attempt.phase === 'unsent');
    const sent = lost.filter((attempt) => attempt.phase !== 'unsent');
    await dispatch.takeBack(unsent, 'WORKER_UNAVAILABLE');
    await dispatch.giveUp(sent, 'Its worker was lost and did not come back.');
    for (const attempt of attempts.all())
      if (attempt.superseded && isGone(attempt.worker_id)) attempts.remove(attempt);
  }
  /** A queued run whose thread lies on a worker that is gone has nowhere to go on: it begins again, or ends. */
  async function endStranded(): Promise<void> {
    const stranded = queue.take((run) =>
      run.need.worker_id !== undefined && isGone(run.need.worker_id)
        ? { ...run, at: run.need.worker_id }
        : undefined,
    );
    if (stranded.length === 0) return;
    const now = clock.now();
    const claimed = await store.claim(
      stranded.map(({ run_id, at }) => ({
        run_id,
        placement: { worker_id: at, policy: 'none', why: 'its thread is there', next: [], rejected: {} },
        boot_id: fleet.get(at)?.descriptor?.boot_id ?? '',
        lease_ms: leaseMs,
        now,
      })),
    );
    const ends: Finish[] = [];
    const requeues: Requeue[] = [];
    for (const run of claimed) {
      if (run === undefined) continue;
      const fence = { run_id: run.run_id, attempt: run.attempts.length, now };
      const lost = stranded.find(({ run_id }) => run_id === run.run_id);
      if (lost?.past.terms.repeatable === true) requeues.push({ ...fence, ...beginsAgain });
      else ends.push({ ...fence, ...isStranded });
    }
    const [ended, back] = await Promise.all([store.finish(ends), store.requeue(requeues)]);
    changes.announce(ended);
    for (const run of changes.announce(back)) {
      const order = stranded.find(({ run_id }) => run_id === run.run_id)?.order;
      if (run.status === 'pending') enqueue(run, order);
    }
  }
  return {
    async check() {
      countTried();
      const alive = await fleet.checkAll();
      await store.heartbeat(alive, leaseMs, clock.now());
      await endExpired();
      await endStranded();
    },
  };
}

/** Checks every ten seconds, one check at a time, until the returned function is called. */
export function repeatCheck(leases: Leases, log: Logger): () => void {
  let checking = false;
  const timer = setInterval(() => {
    if (checking) return;
    checking = true;
    leases
      .check()
      .catch((error: unknown) => log.error({ err: error }, 'leases could not be checked'))
      .finally(() => (checking = false));
  }, heartbeatMs);
  return () => clearInterval(timer);
}
