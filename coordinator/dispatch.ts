import { FleetError } from '../core/errors.ts';
import { boundsElsewhere, type Bounds } from '../core/limits.ts';
import { tookToBegin, workedIn } from '../core/pace.ts';
import type { Logger } from '../platform/log.ts';
import type { AttemptPrivacy } from '../schemas/privacy.ts';
import type { Outcome } from '../schemas/run.ts';
import type { Breakers } from './breakers.ts';
import type { Changes } from './changes.ts';
import type { Clock } from './clock.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { FleetWorker } from './fleet/fleet-worker.ts';
import { attemptKey, type OpenAttempt, type OpenAttempts } from './fleet/open-attempts.ts';
import { startInput } from './fleet/start-input.ts';
import type { Places } from './places.ts';
import type { Privacy } from './privacy/privacy.ts';
import type { WorkerLink } from './fleet/worker-link.ts';
import type { Retries } from './retries.ts';
import { untilStored } from './store-retry.ts';
import type { Fence, Finish, Requeue, RunRecord, RunStore } from './store/run-store.ts';

/** Brings attempts to their workers, and settles those that could not be begun. */
export interface Dispatch {
  /** Starts or continues a claimed run on its worker; asked again it is the same run there. Never rejects. */
  send(attempt: OpenAttempt, run: RunRecord): Promise<void>;
  /** Passes a cancel on, where the worker can be reached; else it is passed on when it can. Never rejects. */
  cancel(attempts: readonly OpenAttempt[]): Promise<void>;
  /** Ends attempts nobody can follow any more. */
  giveUp(attempts: readonly OpenAttempt[], error: string): Promise<void>;
  /** Takes attempts that never reached a process back into the queue. */
  takeBack(attempts: readonly OpenAttempt[], errno: string): Promise<void>;
  /** Ends what rests on workers of runs that are over. Never rejects. */
  drop(resting: readonly Resting[]): Promise<void>;
}

/** A run on a worker. */
export type Resting = Readonly<Pick<OpenAttempt, 'worker_id' | 'remote_run_id'>>;

export interface DispatchOptions {
  store: RunStore;
  attempts: OpenAttempts;
  fleet: Pick<Fleet, 'get' | 'wasFull'>;
  /** Puts a run that came back into the queue. */
  enqueue(run: RunRecord, order: number): void;
  retries: Pick<Retries, 'next'>;
  breakers: Pick<Breakers, 'ended'>;
  privacy: Pick<Privacy, 'outgoing' | 'words'>;
  places: Pick<Places, 'recipesIn'>;
  changes: Changes;
  clock: Clock;
  log: Logger;
}

/** Of the worker's own, all that ask for another worker or another time. */
const elsewhere = new Set(['NO_CAPACITY', 'SHUTTING_DOWN']);
/** Of the worker's own, what another may have better luck with. */
const mishaps = new Set(['INTERNAL', 'STORE_UNAVAILABLE']);
/** Not of the run, but of what is between it and its worker. */
const ofTheLink = new Set(['WORKER_UNAVAILABLE', 'STORE_UNAVAILABLE', 'UNAUTHORIZED']);
const cancelBatch = 64;

export function createDispatch(options: DispatchOptions): Dispatch {
  const { store, attempts, fleet, enqueue, retries, breakers, privacy, places, changes, clock, log } =
    options;

  async function send(attempt: OpenAttempt, run: RunRecord): Promise<void> {
    const worker = fleet.get(attempt.worker_id);
    const link = worker?.link;
    if (worker === undefined || link === undefined) {
      await settling(() => takeBack([attempt], 'WORKER_UNAVAILABLE'));
      return;
    }
    attempt.phase = 'sent';
    try {
      const { spec, told } = await privacy.outgoing(worker, link, run).catch(notRestored);
      if (told !== undefined) await takeDown(attempt, told);
      const sentMs = clock.uptimeMs();
      const remoteRunId = await begin(link, attempt, { ...run, spec }, boundsOn(worker, run));
      tookToBegin(worker.pace, clock.uptimeMs() - sentMs);
      workedIn(worker.pace, attempt.cwd);
      if (attempts.has(attempt)) attempts.confirm(attempt, remoteRunId);
      if (attempt.cancelRequested) await cancel([attempt]);
    } catch (error) {
      // Its news may have come before the answer, and settled it.
      if (attempts.has(attempt)) await notBegun(worker, link, attempt, run, error);
    }
  }

  /** A worker of this machine has our configuration, another only its own. */
  function boundsOn({ signed }: FleetWorker, { spec }: RunRecord): Bounds | undefined {
    if (signed === undefined) return undefined;
    const { config, here } = places.recipesIn(spec.cwd);
    const pipeline = Object.hasOwn(here, spec.pipeline) ? here[spec.pipeline] : undefined;
    return boundsElsewhere(config, pipeline ?? {}, spec, signed.limits);
  }

  /** What was put back is on record before it leaves. */
  async function takeDown(attempt: OpenAttempt, told: AttemptPrivacy): Promise<void> {
    changes.announce(await store.progress(fences(attempt).map((fence) => ({ ...fence, privacy: told }))));
  }

  async function notBegun(
    worker: FleetWorker,
    link: WorkerLink,
    attempt: OpenAttempt,
    run: RunRecord,
    error: unknown,
  ): Promise<void> {
    const code = error instanceof FleetError ? error.code : 'INTERNAL';
    if (code === 'WORKER_UNAVAILABLE') {
      // It may run there all the same: asked again once the worker is back, by the same key.
      log.warn({ run: attempt.run_id, worker: worker.id }, 'worker lost while a run was sent to it');
      await link.close();
    } else if (code === 'UNAUTHORIZED') {
      // Its door is shut, so nothing got in: our secret or certificate is another now, or was revoked.
      log.warn({ run: attempt.run_id, worker: worker.id }, 'worker let us in no more');
      await link.close();
      // What goes on there is asked for again, like above.
      if (attempt.continues === undefined) await settling(() => takeBack([attempt], code));
    } else if (elsewhere.has(code)) {
      await fleet.wasFull(worker);
      await settling(() => takeBack([attempt], code));
    } else if (attempt.continues !== undefined && code === 'WRONG_STATE') {
      // It goes on already: its news say how.
      attempts.confirm(attempt, attempt.continues);
    } else {
      const { message: said, next } =
        error instanceof FleetError
          ? error
          : new FleetError('INTERNAL', 'The run could not be handed to its worker.');
      const message = await words(run, said);
      const nextWords = await words(run, next);
      if (code === 'INTERNAL') log.error({ run: attempt.run_id, why: message }, 'a run could not be started');
      const outcome: Outcome = mishaps.has(code)
        ? { kind: 'spawn', errno: code }
        : { kind: 'engine', code, message };
      await settling(() => settle([attempt], outcome, `${message} ${nextWords}`));
    }
  }

  /** Of a refusal, which may repeat what was put back for the worker alone. */
  async function words(run: RunRecord, said: string): Promise<string> {
    return privacy.words(run, said).catch((error: unknown) => {
      log.error({ err: error, run: run.run_id }, 'the words of a worker could not be guarded');
      return 'Its worker refused it.';
    });
  }

  /** Ends attempts by our own judgement; their runs go on where that is allowed. */
  async function settle(over: readonly OpenAttempt[], outcome: Outcome, error: string): Promise<void> {
    const ends: Finish[] = [];
    const requeues: Requeue[] = [];
    for (const attempt of over) {
      const [fence] = fences(attempt);
      if (fence === undefined) continue;
      breakers.ended(attempt.worker_id, attempt.run_id, outcome);
      const judged = { outcome, resumable: false, retryAt: undefined };
      const next = attempt.cancelRequested
        ? ({ kind: 'end' } as const)
        : retries.next(attempt, judged, fence.now);
      if (next.kind === 'retry') {
        requeues.push({ ...fence, outcome, retry: next.retry, not_before: next.not_before });
      } else {
        const status = attempt.cancelRequested ? 'cancelled' : 'failed';
        ends.push({ ...fence, status, outcome, handles: [], error });
      }
    }
    const [ended, back] = await Promise.all([store.finish(ends), store.requeue(requeues)]);
    for (const attempt of over) attempts.remove(attempt);
    changes.announce(ended);
    enqueueAgain(changes.announce(back), over);
  }

  async function takeBack(back: readonly OpenAttempt[], errno: string): Promise<void> {
    const outcome: Outcome = { kind: 'spawn', errno };
    const runs = await store.requeue(back.flatMap(fences).map((fence) => ({ ...fence, outcome })));
    for (const attempt of back) attempts.remove(attempt);
    enqueueAgain(changes.announce(runs), back);
  }

  function enqueueAgain(runs: readonly RunRecord[], back: readonly OpenAttempt[]): void {
    for (const run of runs) {
      const order = back.find((attempt) => attempt.run_id === run.run_id)?.order;
      if (run.status === 'pending' && order !== undefined) enqueue(run, order);
    }
  }

  function fences({ run_id, attempt }: OpenAttempt): Fence[] {
    return attempt === undefined ? [] : [{ run_id, attempt, now: clock.now() }];
  }

  async function cancel(asked: readonly OpenAttempt[]): Promise<void> {
    for (const attempt of asked) attempt.cancelRequested = true;
    await drop(asked);
  }

  async function drop(asked: readonly Resting[]): Promise<void> {
    const workerIds = new Set(asked.map((attempt) => attempt.worker_id));
    await Promise.all(
      [...workerIds].map((id) =>
        cancelOn(
          fleet.get(id)?.link,
          asked.filter((attempt) => attempt.worker_id === id),
        ),
      ),
    );
  }

  async function cancelOn(link: WorkerLink | undefined, asked: readonly Resting[]): Promise<void> {
    const ids = asked.flatMap(({ remote_run_id: id }) => (id === undefined ? [] : [id]));
    for (let at = 0; at < ids.length && link !== undefined; at += cancelBatch) {
      const run_ids = ids.slice(at, at + cancelBatch);
      await link.call('cancel_run', { run_ids }).catch((error: unknown) => {
        log.warn({ err: error }, 'a cancel did not reach its worker');
      });
    }
  }

  /** What fails even so is found again at the next start. */
  async function settling(work: () => Promise<void>): Promise<void> {
    await untilStored(work).catch((error: unknown) => {
      log.error({ err: error }, 'an attempt could not be settled');
    });
  }

  return {
    send,
    cancel,
    giveUp: (lost, error) => settle(lost, { kind: 'lost', resumable: false }, error),
    takeBack,
    drop,
  };
}

async function begin(
  link: WorkerLink,
  attempt: OpenAttempt,
  run: RunRecord,
  bounds: Bounds | undefined,
): Promise<string> {
  if (attempt.continues !== undefined) {
    const { run_id: remoteRunId } = await link.call('resume_run', { run_id: attempt.continues });
    return remoteRunId;
  }
  const { attempt: number = run.attempts.length } = attempt;
  const key = attemptKey(run.run_id, number);
  const { reserved } = run.attempts[number - 1] ?? {};
  const input = startInput(run.spec, key, { repeatable: attempt.past.terms.repeatable, reserved, bounds });
  const { runs } = await link.call('start_run', input, { depth: run.spec.depth });
  const [started] = runs;
  if (started === undefined) throw new FleetError('INTERNAL', 'The worker started no run.');
  return started.run_id;
}

/** A failure of our own: by its code it would be taken for an answer of the worker. */
function notRestored(error: unknown): never {
  const own = error instanceof FleetError ? error : undefined;
  if (own !== undefined && ofTheLink.has(own.code)) throw own;
  throw new FleetError(
    'INVALID_INPUT',
    own?.message ?? 'What was replaced in its prompt cannot be put back.',
    {
      ...(own !== undefined && { next: own.next }),
      cause: error,
    },
  );
}
