import { isFirstToFinish } from '../core/hedge.ts';
import { machineWentDown } from '../core/machine-boot.ts';
import { FleetError } from '../core/errors.ts';
import type { Logger } from '../platform/log.ts';
import type { RunDetail } from '../schemas/worker.ts';
import type { Changes } from './changes.ts';
import type { Clock } from './clock.ts';
import type { Dispatch } from './dispatch.ts';
import { applyDetail, type Applied } from './fleet/apply-detail.ts';
import type { FleetWorker } from './fleet/fleet-worker.ts';
import type { WorkerEvents } from './fleet/keep-worker.ts';
import type { Breakers } from './breakers.ts';
import type { Hedges } from './hedges.ts';
import { takesSlot, taskOf, type OpenAttempt, type OpenAttempts } from './fleet/open-attempts.ts';
import type { WorkerLink } from './fleet/worker-link.ts';
import type { Collect } from './privacy/collect.ts';
import type { Privacy } from './privacy/privacy.ts';
import type { Readiness } from './readiness.ts';
import type { RateGates } from './rate-gates.ts';
import type { Retries } from './retries.ts';
import type { Scheduler } from './scheduler.ts';
import type { RunRecord, RunStore } from './store/run-store.ts';
import { untilStored } from './store-retry.ts';

export interface FollowOptions {
  store: RunStore;
  attempts: OpenAttempts;
  dispatch: Dispatch;
  scheduler: Pick<Scheduler, 'tick' | 'poke' | 'enqueue'>;
  readiness: Pick<Readiness, 'failing'>;
  retries: Retries;
  gates: RateGates;
  breakers: Breakers;
  hedges: Pick<Hedges, 'stranger'>;
  collect: Collect;
  privacy: Pick<Privacy, 'tellAgain'>;
  changes: Changes;
  clock: Clock;
  log: Logger;
}

const wentDown = 'Its machine went down before it was known whether the run had begun.';

interface Step {
  attempt: OpenAttempt;
  applied: Applied;
}

/** Carries what workers tell of their runs into the store, and puts right what a lost connection left open. */
export function followRuns(options: FollowOptions): Omit<WorkerEvents, 'revoked'> {
  const { store, attempts, dispatch, scheduler, readiness, changes, clock, log } = options;
  const { retries, gates, breakers, hedges, collect, privacy } = options;

  function read(worker: FleetWorker, detail: RunDetail, now: number): Step | undefined {
    const attempt = attempts.find(worker.id, detail.run_id, detail.request_key);
    if (attempt === undefined) {
      hedges.stranger(worker.id, detail).catch((error: unknown) => {
        log.warn({ err: error, run: detail.run_id }, 'a run nobody waits for could not be looked up');
      });
    }
    if (attempt?.attempt === undefined) return undefined;
    attempt.seenBoot = worker.descriptor?.boot_id;
    const unconfirmed = attempt.phase !== 'confirmed';
    const { run_id, worker_id, status, continues } = attempt;
    const known = { run_id, worker_id, status, unconfirmed, attempt: attempt.attempt };
    const applied = applyDetail({ ...known, continues: continues !== undefined }, detail, now, (end) =>
      retries.next(attempt, end, now),
    );
    if (applied.progress === undefined) return undefined;
    attempts.confirm(attempt, detail.run_id);
    attempt.status = applied.progress.status ?? attempt.status;
    // One that was answered counts although it has none yet: it goes before what is placed anew.
    const hasThread = detail.engine_thread_id !== undefined;
    attempts.setSlot(attempt, detail.slot !== 'freed' && takesSlot(attempt.status, hasThread));
    attempt.awaitsSlot = detail.slot === 'awaited';
    learn(attempt, detail, applied);
    return { attempt, applied };
  }

  /** What an attempt tells of its worker and of its model. */
  function learn(attempt: OpenAttempt, detail: RunDetail, { finish, requeue }: Applied): void {
    const calls = detail.usage?.calls ?? attempt.calls;
    const fresh = Math.max(0, calls - attempt.calls);
    attempt.calls = calls;
    const isGood = finish?.status === 'completed';
    // A model that counts no tokens tells of no calls.
    const answered = isGood && calls === 0 ? 1 : fresh;
    if (attempt.gate !== undefined && answered > 0) {
      gates.answered(attempt.gate, answered);
      scheduler.poke();
    }
    if (isGood) retries.succeeded();
    const outcome = finish?.outcome ?? requeue?.outcome;
    if (outcome !== undefined) breakers.ended(attempt.worker_id, attempt.run_id, outcome);
    else if (detail.first_output_at !== undefined) breakers.worked(attempt.worker_id, attempt.run_id);
  }

  /** Before a run is known to have ended, all that its surrogates stand for is kept. */
  async function fetchValues(worker: FleetWorker, told: readonly RunDetail[]): Promise<void> {
    for (const detail of told) {
      const { run_id: runId, request_key: key, privacy } = detail;
      const attempt = privacy?.sealed === undefined ? undefined : attempts.find(worker.id, runId, key);
      if (attempt === undefined || worker.link === undefined) continue;
      await collect.from(worker.link, taskOf(attempt.lane), detail).catch((error: unknown) => {
        // The worker tells it again.
        if (error instanceof FleetError && error.retryable) throw error;
        log.error({ err: error, run: attempt.run_id }, 'what surrogates stand for could not be fetched');
      });
    }
  }

  async function details(worker: FleetWorker, told: readonly RunDetail[]): Promise<void> {
    await fetchValues(worker, told);
    const now = clock.now();
    const before = slotsHeld(worker);
    const steps = told.map((detail) => read(worker, detail, now)).filter((step) => step !== undefined);
    if (steps.length === 0) return;
    const over = steps.filter(({ applied }) => applied.finish !== undefined || applied.requeue !== undefined);
    const stored = Promise.all([
      store.progress(some(steps, ({ applied }) => (applied.finish ? undefined : applied.progress))),
      store.finish(some(steps, ({ applied }) => applied.finish)),
      store.requeue(some(steps, ({ applied }) => applied.requeue)),
    ]);
    // Their slots are free: what waits is claimed in the same commit.
    for (const { attempt } of over) attempts.remove(attempt);
    readiness.failing(over.filter(failsItsRun).map(({ attempt }) => attempt.run_id));
    if (over.length > 0 || slotsHeld(worker) < before) void scheduler.tick(now);
    let results: (RunRecord | undefined)[][];
    try {
      results = await stored;
    } catch (error) {
      // The worker will tell it again.
      for (const { attempt } of over) attempts.add(attempt);
      throw error;
    }
    announce(results, over);
    void dispatch.drop(over.filter(({ applied }) => applied.drop).map(({ attempt }) => attempt));
  }

  /** Beside another one it leaves its run to that, unless it was the first to finish. */
  function failsItsRun({ attempt, applied: { finish } }: Step): boolean {
    if (finish?.status !== 'failed') return false;
    return attempts.get(attempt.run_id) === undefined || isFirstToFinish(finish, attempt.past.terms.onExit);
  }

  const slotsHeld = (worker: FleetWorker): number => attempts.slotsTaken(worker.id);

  function announce(results: (RunRecord | undefined)[][], over: readonly Step[]): void {
    const [progressed = [], finished = [], requeued = []] = results;
    const gone = new Map(over.map(({ attempt }) => [attempt.run_id, attempt]));
    changes.announce(progressed.filter((run) => run !== undefined && !gone.has(run.run_id)));
    changes.announce(finished);
    for (const run of changes.announce(requeued)) {
      if (run.status === 'pending') scheduler.enqueue(run, gone.get(run.run_id)?.order);
    }
  }

  /** Asks again for what the worker never answered, ends what it does not know, passes cancels on. */
  async function attached(worker: FleetWorker, link: WorkerLink): Promise<void> {
    const open = [...attempts.ofWorker(worker.id)].filter((attempt) => attempt.attempt !== undefined);
    await privacy.tellAgain(
      link,
      open.map(({ lane }) => taskOf(lane)),
    );
    const unanswered = open.filter((attempt) => attempt.phase !== 'confirmed');
    const unseen = open.filter(
      (attempt) => attempt.phase === 'confirmed' && attempt.seenBoot !== link.descriptor.boot_id,
    );
    if (unseen.length > 0) {
      log.warn(
        { worker: worker.id, runs: unseen.map((attempt) => attempt.run_id) },
        'runs unknown to their worker',
      );
      await untilStored(() => dispatch.giveUp(unseen, 'Its worker came back without it.'));
    }
    for (const attempt of unanswered) {
      const run = await store.get(attempt.run_id);
      if (run === undefined || !attempts.has(attempt)) continue;
      if (mayBeForgotten(attempt, run, link)) await untilStored(() => dispatch.giveUp([attempt], wentDown));
      else await dispatch.send(attempt, run);
    }
    await dispatch.cancel(open.filter((attempt) => attempt.cancelRequested && attempts.has(attempt)));
  }

  /** It was told to begin this, and what it wrote of that may be gone: asked again, it could run it twice. */
  function mayBeForgotten(attempt: OpenAttempt, run: RunRecord, { descriptor }: WorkerLink): boolean {
    if (attempt.continues !== undefined || attempt.past.terms.repeatable) return false;
    const { boot_id: claimedIn = '' } = run.attempts[(attempt.attempt ?? 0) - 1] ?? {};
    return machineWentDown(claimedIn, descriptor.boot_id);
  }

  return { details, attached, changed: () => scheduler.poke() };
}

function some<T>(steps: readonly Step[], part: (step: Step) => T | undefined): T[] {
  return steps.map(part).filter((one) => one !== undefined);
}
