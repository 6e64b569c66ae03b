import { hedgeAfterMs, isStraggler, mayHedge, noWork, worked } from '../core/hedge.ts';
import { needOf, type Policy } from '../core/placement.ts';
import type { RunQueue } from '../core/queue.ts';
import type { Logger } from '../platform/log.ts';
import { isTerminal } from '../schemas/run-words.ts';
import type { RunDetail } from '../schemas/worker.ts';
import type { Admission } from './admission.ts';
import type { Changes, RunListener } from './changes.ts';
import type { Clock } from './clock.ts';
import type { Dispatch } from './dispatch.ts';
import type { Fleet } from './fleet/fleet.ts';
import { runAndAttemptOf, type OpenAttempt, type OpenAttempts } from './fleet/open-attempts.ts';
import type { Places } from './places.ts';
import { createPools } from './pools.ts';
import type { RunEstimates } from './run-estimates.ts';
import { leaseMs, type WaitingRun } from './scheduler.ts';
import { untilStored } from './store-retry.ts';
import type { RunRecord, RunStore } from './store/run-store.ts';

/** Begins stragglers once more in slots nobody needs, and ends whichever of the two is not first. */
export interface Hedges extends RunListener {
  /** Begins what is worth it now; settles when that is claimed. Comes by itself while attempts are under way. */
  look(): Promise<void>;
  /** A worker tells of a run that no attempt under way stands for: of one won over, it is ended. */
  stranger(workerId: string, detail: RunDetail): Promise<void>;
  stop(): void;
}

export interface HedgeOptions {
  /** Of all slot time, what hedges may take; 0 for none. */
  share: number;
  store: Pick<RunStore, 'claim' | 'get'>;
  queue: Pick<RunQueue<WaitingRun>, 'size'>;
  attempts: OpenAttempts;
  fleet: Pick<Fleet, 'candidates' | 'get'>;
  dispatch: Pick<Dispatch, 'send' | 'cancel' | 'takeBack' | 'drop'>;
  admission: Admission;
  policy: Policy;
  estimates: Pick<RunEstimates, 'typical' | 'p95'>;
  places: Pick<Places, 'recipesIn'>;
  changes: Pick<Changes, 'announce' | 'recent'>;
  clock: Clock;
  log: Logger;
}

interface Straggler {
  run: RunRecord;
  first: OpenAttempt;
  beside: number;
  typicalMs: number | undefined;
  why: string;
}

const lookEveryMs = 250;

export function createHedges(options: HedgeOptions): Hedges {
  const { share, store, queue, attempts, fleet, dispatch, admission, policy } = options;
  const { estimates, places, changes, clock, log } = options;
  const pools = createPools(fleet);
  /** Those begun by this process, with what they likely take and when they began. */
  const hedges = new Map<OpenAttempt, { typicalMs: number; sinceMs: number }>();
  /** The time they rested would be taken for theirs. */
  const rested = new WeakSet<OpenAttempt>();
  let work = noWork;
  let seenMs = clock.uptimeMs();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  function rearm(): void {
    if (share === 0 || stopped || timer !== undefined || attempts.size === 0) return;
    timer = setTimeout(() => {
      timer = undefined;
      look()
        .catch((error: unknown) => log.error({ err: error }, 'stragglers could not be looked at'))
        .finally(rearm);
    }, lookEveryMs).unref();
  }
  attempts.watch(rearm);

  /** Since the last look, all slots held now count as held. */
  function countWork(): void {
    const now = clock.uptimeMs();
    const passed = now - seenMs;
    seenMs = now;
    let all = 0;
    let extra = 0;
    for (const attempt of attempts.all()) {
      if (!attempt.holdsSlot) continue;
      all += passed;
      if (hedges.has(attempt)) extra += passed;
    }
    work = worked(work, { all, hedges: extra });
  }
  /** What those under way will likely still take. */
  function dueMs(): number {
    let sum = 0;
    for (const [attempt, { typicalMs, sinceMs }] of hedges) {
      if (attempts.has(attempt)) sum += Math.max(0, typicalMs - (clock.uptimeMs() - sinceMs));
      else hedges.delete(attempt);
    }
    return sum;
  }
  function hasRoom(): boolean {
    if (stopped || queue.size > 0) return false;
    return mayHedge(work, dueMs(), { share, slots: pools.slots() });
  }
  async function stragglerOf(first: OpenAttempt): Promise<Straggler | undefined> {
    const { run_id: runId, attempt: beside, past, cancelRequested, superseded, status } = first;
    // One its worker has not told of since this coordinator began may have ended meanwhile.
    const isKnown = first.seenBoot !== undefined;
    const works = isKnown && status === 'running' && !first.awaitsSlot && !rested.has(first);
    // What is cheap to know spares the rest.
    if (beside === undefined || !works || cancelRequested || superseded || !past.terms.repeatable)
      return undefined;
    const run = changes.recent(runId) ?? (await store.get(runId));
    const record = run?.attempts[beside - 1];
    if (run === undefined || record === undefined || run.status !== 'running') return undefined;
    const [typicalMs, p95Ms] = [estimates.typical(run), estimates.p95(run)];
    const elapsedMs = clock.now() - record.claimed_at;
    const alone = attempts.ofRun(runId).length === 1 && attempts.has(first);
    const known = {
      repeatable: past.terms.repeatable,
      works,
      alone,
      budgeted: record.reserved !== undefined,
    };
    if (!isStraggler({ ...known, elapsedMs, typicalMs, p95Ms })) return undefined;
    const afterMs = Math.round(hedgeAfterMs(typicalMs, p95Ms) ?? 0);
    const why = `not done after ${String(Math.round(elapsedMs))} ms, where ${String(afterMs)} ms are long`;
    return { run, first, beside, typicalMs, why };
  }
  async function begin(straggler: Straggler): Promise<void> {
    const { run, first, beside, typicalMs, why } = straggler;
    const { run_id: runId, spec } = run;
    const recipes = places.recipesIn(spec.cwd);
    const need = { ...needOf(spec, recipes, undefined), avoid: first.past.tally.failedOn };
    const now = clock.now();
    const round = admission.round(now);
    const open = round.open(pools.of(need));
    const able = open.able.filter((worker) => worker.worker_id !== first.worker_id);
    const rejected =
      able.length === open.able.length ? open.rejected : { ...open.rejected, 'has it already': 1 };
    const toPlace = { cwd: spec.cwd, estimate_ms: typicalMs, turn: 0 };
    const placement = policy.place({ ...open, able, rejected }, toPlace);
    if (placement === undefined) return;
    const { worker_id: workerId } = placement;
    const gate = admission.gateOf(need, workerId);
    round.took(runId, workerId);
    const attempt: OpenAttempt = {
      ...first,
      worker_id: workerId,
      attempt: undefined,
      gate,
      calls: 0,
      continues: undefined,
      remote_run_id: undefined,
      phase: 'unsent',
      status: 'running',
      holdsSlot: true,
      awaitsSlot: false,
      seenBoot: undefined,
    };
    attempts.add(attempt);
    hedges.set(attempt, { typicalMs: typicalMs ?? 0, sinceMs: clock.uptimeMs() });
    const boot_id = fleet.get(workerId)?.descriptor?.boot_id ?? '';
    const hedge = { beside, why };
    try {
      const claim = { run_id: runId, placement, boot_id, hedge, lease_ms: leaseMs, now };
      const [claimed] = changes.announce(await store.claim([claim]));
      await send(attempt, claimed);
    } catch (error) {
      attempts.remove(attempt);
      throw error;
    }
  }
  /** Its run may have ended, or come to rest, while it was claimed. */
  async function send(attempt: OpenAttempt, run: RunRecord | undefined): Promise<void> {
    if (run === undefined || attempt.superseded) {
      attempts.remove(attempt);
      return;
    }
    attempt.attempt = run.attempts.length;
    if (attempt.cancelRequested) await untilStored(() => dispatch.takeBack([attempt], 'CANCELLED'));
    else void dispatch.send(attempt, run);
  }
  async function look(): Promise<void> {
    if (share === 0) return;
    countWork();
    for (const first of attempts.all()) {
      if (!hasRoom()) return;
      const straggler = await stragglerOf(first);
      if (straggler !== undefined && hasRoom()) await begin(straggler);
    }
  }

  return {
    look,
    changed(run) {
      const open = attempts.ofRun(run.run_id);
      const [first, ...others] = open;
      if (first === undefined) return;
      if (first.status !== 'running') rested.add(first);
      if (open.every(({ status }) => status === 'running')) return;
      const unasked = others.filter((attempt) => !attempt.cancelRequested);
      if (unasked.length > 0) void dispatch.cancel(unasked);
    },
    ended(run) {
      const left = attempts.ofRun(run.run_id);
      if (left.length === 0) return;
      for (const attempt of left) attempts.supersede(attempt);
      void dispatch.cancel(left);
    },
    async stranger(workerId, { run_id: remoteRunId, request_key: key, status }) {
      const known = key === undefined || isTerminal(status) ? undefined : runAndAttemptOf(key);
      if (known === undefined) return;
      const run = await store.get(known.run_id);
      if (run?.attempts[known.attempt - 1]?.superseded_by === undefined) return;
      await dispatch.drop([{ worker_id: workerId, remote_run_id: remoteRunId }]);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
