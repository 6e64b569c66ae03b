import { isFullOf, lengthOf } from '../core/lengths.ts';
import { needOf, type Need, type Policy } from '../core/placement.ts';
import type { Past } from '../core/retry.ts';
import type { QueuedRun, RunQueue } from '../core/queue.ts';
import type { Logger } from '../platform/log.ts';
import type { Placement } from '../schemas/manifest.ts';
import type { Reserved } from '../schemas/run.ts';
import type { Admission, Round } from './admission.ts';
import type { Changes } from './changes.ts';
import type { Clock } from './clock.ts';
import type { Dispatch } from './dispatch.ts';
import type { Fleet } from './fleet/fleet.ts';
import {
  laneOf,
  threadToContinue,
  triesOf,
  wallShareOf,
  type OpenAttempt,
  type OpenAttempts,
} from './fleet/open-attempts.ts';
import type { Parking } from './parking.ts';
import type { Places } from './places.ts';
import { createPools } from './pools.ts';
import type { Readiness } from './readiness.ts';
import { pastOf } from './retries.ts';
import type { RunEstimates } from './run-estimates.ts';
import type { NewRun, RunRecord, RunStore, Submitted } from './store/run-store.ts';
import type { WorkTrees } from './work-trees.ts';

/** How long a claim stands without a heartbeat. */
export const leaseMs = 30_000;
const storeRetryMs = 1_000;
export interface Accepted {
  submitted: Submitted;
  /** undefined for a run that was placed at once, or that existed. */
  wait: Wait | undefined;
}

export interface Wait {
  /** How many runs are likely placed until it is, itself included. */
  position: number;
  /** How long that likely takes, ms; undefined where nothing is known of run times. */
  wait_ms: number | undefined;
}

export interface Scheduler {
  /** Runs that wait: for a slot, for a time, or for what comes before them. */
  readonly queued: number;
  /** Keeps new runs and places those that fit: both in one commit. Settles when it is durable. */
  submit(runs: readonly NewRun[]): Promise<Accepted[]>;
  /** Puts a run that is pending in the store into the queue, once it is ready, at its old place where that is given. */
  enqueue(run: RunRecord, order?: number): void;
  /** The same for a run that has all it waited for. */
  admit(run: RunRecord, order: number): void;
  /** Takes a run out of the queue: cancelled, or held. */
  withdraw(runId: string): void;
  /** Decides, in this turn, who gets which free slot at `now`; settles when the claims are durable and sent out. */
  tick(now: number): Promise<void>;
  /** Whether a run waits for a rate limit, which leaves room for no more. */
  waitsForRate(runId: string): boolean;
  /** Whether a run waits for another to end, whose work tree it needs. */
  waitsForTree(runId: string): boolean;
  /** A tick soon, one for all who ask in this turn. */
  poke(): void;
  /** From now on nothing is placed. */
  stop(): void;
}

/** A run in the queue, with what its next attempt has to know. */
export interface WaitingRun extends QueuedRun {
  owner: string;
  cwd: string;
  /** The run on the worker whose thread is to go on. */
  continues: string | undefined;
  /** Attempts so far that reached a process. */
  tries: number;
  /** What its next attempt may use. */
  reserved: Reserved | undefined;
  /** See OpenAttempt. */
  wallShareMs: number | undefined;
  /** Calls of the model that the thread it goes on with has told of. */
  calls: number;
  past: Past;
}

export interface SchedulerOptions {
  store: Pick<RunStore, 'submit' | 'claim'>;
  queue: RunQueue<WaitingRun>;
  trees: Pick<WorkTrees, 'neededBy' | 'isFree' | 'hold' | 'release'>;
  readiness: Pick<Readiness, 'size' | 'isReady' | 'hold' | 'drop' | 'given'>;
  attempts: OpenAttempts;
  fleet: Pick<Fleet, 'candidates' | 'get'>;
  dispatch: Pick<Dispatch, 'send'>;
  admission: Admission;
  parking: Parking;
  policy: Policy;
  estimates: Pick<RunEstimates, 'typical' | 'mean'>;
  places: Pick<Places, 'recipesIn'>;
  changes: Pick<Changes, 'announce'>;
  clock: Clock;
  log: Logger;
}

interface Chosen {
  run: WaitingRun;
  placement: Placement;
  attempt: OpenAttempt;
}

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { store, queue, trees, readiness, attempts, fleet, dispatch, policy, estimates, places } = options;
  const { admission, parking, changes, clock, log } = options;
  let nextOrder = 1;
  let poked = false;
  let stopped = false;
  let placed = 0;
  const pools = createPools(fleet);
  attempts.watch(({ lane }) => queue.touch(lane));

  function waitingRun(
    run: Pick<RunRecord, 'run_id' | 'owner' | 'spec' | 'attempts' | 'accepted_at' | 'usage'>,
    order: number,
  ): WaitingRun {
    const thread = threadToContinue(run);
    const recipes = places.recipesIn(run.spec.cwd);
    const past = pastOf(run, recipes);
    const asked = needOf(run.spec, recipes, thread?.worker_id);
    const estimateMs = estimates.typical(run);
    const reserved = readiness.given(run);
    return {
      run_id: run.run_id,
      owner: run.owner,
      order,
      lane: laneOf(run),
      priority: run.spec.priority ?? 0,
      queued_at: run.accepted_at,
      estimate_ms: estimateMs,
      length: lengthOf(estimateMs, estimates.mean()),
      cwd: run.spec.cwd,
      need: { ...asked, tree: trees.neededBy(run.spec, recipes), avoid: past.tally.failedOn },
      continues: thread?.remote_run_id,
      tries: triesOf(run),
      reserved,
      wallShareMs: wallShareOf(run.spec, reserved),
      calls: thread === undefined ? 0 : (run.usage?.calls ?? 0),
      past,
    };
  }
  /** A lane that has nothing under way is never kept waiting for it. */
  function isTooLong(run: WaitingRun): boolean {
    if (run.length === 0 || attempts.slotsOfLane(run.lane) === 0) return false;
    if (!isFullOf(run.length, attempts.slotsOfLength, pools.slots())) return false;
    return queue.keepsShorterWaiting(run);
  }
  function choose(run: WaitingRun, need: Need, round: Round): Chosen | undefined {
    const { tree } = need;
    if (tree !== undefined && !trees.isFree(tree, run.run_id)) return undefined;
    const { cwd, estimate_ms } = run;
    const placement = policy.place(round.open(pools.of(need)), { cwd, estimate_ms, turn: placed });
    if (placement === undefined) return undefined;
    placed++;
    if (tree !== undefined) trees.hold(tree, run.run_id);
    const gate = admission.gateOf(run.need, placement.worker_id);
    round.took(run.run_id, placement.worker_id);
    const attempt: OpenAttempt = {
      run_id: run.run_id,
      owner: run.owner,
      lane: run.lane,
      cwd,
      length: run.length,
      wallShareMs: run.wallShareMs,
      worker_id: placement.worker_id,
      attempt: undefined,
      past: run.past,
      gate,
      calls: run.calls,
      order: run.order,
      continues: run.continues,
      remote_run_id: undefined,
      phase: 'unsent',
      status: 'running',
      holdsSlot: true,
      awaitsSlot: false,
      cancelRequested: false,
      superseded: false,
      seenBoot: undefined,
    };
    attempts.add(attempt);
    return { run, placement, attempt };
  }
  async function claim(chosen: readonly Chosen[], now: number): Promise<void> {
    let runs: (RunRecord | undefined)[];
    try {
      runs = await store.claim(
        chosen.map(({ run, placement }) => ({
          run_id: run.run_id,
          placement,
          boot_id: fleet.get(placement.worker_id)?.descriptor?.boot_id ?? '',
          ...(run.reserved !== undefined && { reserved: run.reserved }),
          lease_ms: leaseMs,
          now,
        })),
      );
    } catch (error) {
      log.error({ err: error }, 'runs could not be claimed');
      for (const { run, attempt } of chosen) {
        letGo(run, attempt);
        queue.push(run);
      }
      setTimeout(poke, storeRetryMs).unref();
      return;
    }
    changes.announce(runs);
    for (const [at, { attempt, run: waiting }] of chosen.entries()) {
      const run = runs[at];
      if (run === undefined) {
        // Held or cancelled in between, or never accepted.
        letGo(waiting, attempt);
        poke();
      } else {
        attempt.attempt = run.attempts.length;
        void dispatch.send(attempt, run);
      }
    }
  }
  /** As things stand, for those of `runs` that wait. */
  function waitsOf(runs: readonly NewRun[]): Map<string, Wait> {
    const meanMs = estimates.mean();
    const slots = pools.slots();
    const waiting = runs.flatMap((run) => queue.get(run.run_id) ?? []);
    const waits = new Map<string, Wait>();
    for (const [at, { run_id: id, lane }] of waiting.entries()) {
      // One call's runs are of one lane: the first of them waits for those before, the next for it, too.
      const ahead = queue.waitingIn(lane) - waiting.length + at;
      const position = queue.turnsFor(lane, ahead) + 1;
      const waitMs = meanMs === undefined || slots === 0 ? undefined : (position * meanMs) / slots;
      waits.set(id, { position, wait_ms: waitMs && Math.round(waitMs) });
    }
    return waits;
  }
  /** A work tree a run has changed stays its own until it has ended. */
  function letGo(run: Pick<WaitingRun, 'run_id' | 'tries'>, attempt: OpenAttempt): void {
    attempts.remove(attempt);
    if (run.tries === 0) trees.release(run.run_id);
  }
  function admit(run: RunRecord, order: number): void {
    const waiting = waitingRun(run, order);
    if (waiting.tries === 0) trees.release(run.run_id);
    queue.push(waiting);
    poke();
  }
  /** Its time has come; what else it waits for may be still ahead. */
  function arrive(run: RunRecord, order: number): void {
    if (readiness.isReady(run)) admit(run, order);
    else readiness.hold(run, order);
  }
  async function tick(now: number): Promise<void> {
    if (stopped) return;
    for (const { run, order } of parking.release(now)) arrive(run, order);
    if (queue.size === 0) return;
    const round = admission.round(now);
    const { isScarce } = pools;
    let isLongKeptBack = false;
    const chosen = queue.take(
      (run, need) => {
        if (!isTooLong(run)) return choose(run, need, round);
        isLongKeptBack = true;
        return undefined;
      },
      { isScarce },
    );
    // What is free now, nobody else could use.
    if (isLongKeptBack) chosen.push(...queue.take((run, need) => choose(run, need, round), { isScarce }));
    if (chosen.length > 0) await claim(chosen, now);
  }
  function poke(): void {
    if (poked) return;
    poked = true;
    setImmediate(() => {
      poked = false;
      void tick(clock.now());
    });
  }

  return {
    get queued() {
      return queue.size + readiness.size + parking.size;
    },
    async submit(runs) {
      // Sent before the claims, which the store then takes in the same commit.
      const kept = store.submit(runs);
      const notReady = new Map<string, number>();
      for (const run of runs) {
        const arriving = { ...run, accepted_at: run.now, attempts: [], usage: undefined };
        if (readiness.isReady(arriving)) queue.push(waitingRun(arriving, nextOrder));
        else notReady.set(run.run_id, nextOrder);
        nextOrder++;
      }
      void tick(clock.now());
      const waits = waitsOf(runs);
      try {
        const results = await kept;
        changes.announce(results.map((result) => (result.kind === 'created' ? result.run : undefined)));
        return results.map((submitted, at) => {
          const runId = runs[at]?.run_id ?? '';
          if (submitted.kind !== 'created') queue.remove(runId);
          const order = notReady.get(runId);
          if (submitted.kind === 'created' && order !== undefined) readiness.hold(submitted.run, order);
          return { submitted, wait: waits.get(runId) };
        });
      } catch (error) {
        for (const run of runs) queue.remove(run.run_id);
        throw error;
      }
    },
    enqueue(run, order = nextOrder++) {
      if (triesOf(run) === 0) trees.release(run.run_id);
      if (!parking.keep(run, order, clock.now())) arrive(run, order);
    },
    admit,
    withdraw(runId) {
      queue.remove(runId);
      readiness.drop(runId);
      parking.remove(runId);
    },
    waitsForRate(runId) {
      const need = queue.get(runId)?.need;
      return need !== undefined && admission.isLimited(need, clock.now());
    },
    waitsForTree(runId) {
      const tree = queue.get(runId)?.need.tree;
      return tree !== undefined && !trees.isFree(tree, runId);
    },
    tick,
    poke,
    stop() {
      stopped = true;
    },
  };
}
