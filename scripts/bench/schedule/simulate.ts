import { setImmediate as turn } from 'node:timers/promises';
import { createOpenAttempts, type OpenAttempt } from '../../../coordinator/fleet/open-attempts.ts';
import { policies } from '../../../coordinator/policies/index.ts';
import { createAdmission } from '../../../coordinator/admission.ts';
import { createBreakers } from '../../../coordinator/breakers.ts';
import { createHedges } from '../../../coordinator/hedges.ts';
import { createRateGates } from '../../../coordinator/rate-gates.ts';
import { createRunEstimates } from '../../../coordinator/run-estimates.ts';
import { createScheduler, type WaitingRun } from '../../../coordinator/scheduler.ts';
import { accepted, claimed, finished } from '../../../coordinator/store/run-changes.ts';
import type { Claim, Finish, RunRecord } from '../../../coordinator/store/run-store.ts';
import { taskOf } from '../../../coordinator/fleet/open-attempts.ts';
import { Heap } from '../../../core/heap.ts';
import { newPace, tookToRun } from '../../../core/pace.ts';
import type { Candidate } from '../../../core/placement.ts';
import { createRunQueue } from '../../../core/queue.ts';
import { createLogger } from '../../../platform/log.ts';
import { config as configSchema, type Config } from '../../../schemas/config.ts';
import { pipeline } from '../../../schemas/pipeline.ts';
import { seeded, type Random, type SimRun, type SimWorker } from './workload.ts';

export interface SimOptions {
  policy?: Config['scheduling']['policy'];
  weights?: Readonly<Record<string, number>>;
  /** How far the estimates were off by which the workers' speeds were learnt. */
  within?: number;
  /** From a placement to the start of the run, ms. */
  dispatchMs?: number;
  /** Of all slot time, what second attempts may take; where given, estimates are learnt from runs that end. */
  hedgeShare?: number;
  /** Runs call a model, each worker by an account of its own; so many of those accounts are refused for good. */
  refused?: number;
}

export interface Simulated {
  /** From acceptance to start, ms, by the place of the run. */
  waitsMs: number[];
  /** When each run began, ms. */
  startsMs: number[];
  /** From acceptance to the end, ms, by the place of the run. */
  sojournsMs: number[];
  makespanMs: number;
  /** Time that attempts held slots, ms: the first of their runs, and those begun beside another. */
  heldMs: { firsts: number; hedges: number };
  /** What the calls of the scheduler that placed something took, ms, until they answered their promise. */
  spent: { ms: number; placed: number; queued: number }[];
}

interface Event {
  at: number;
  /** In order of what was scheduled first, where two are due at once. */
  order: number;
  attempt: OpenAttempt | undefined;
}

/** Between two looks for stragglers. */
const lookEveryMs = 250;
/** Later than any run ends. */
const forGoodMs = 8 * 86_400_000;
const work = pipeline.parse({ read_only: true, stages: [{ name: 's', engine: 'command', argv: ['x'] }] });
const asking = pipeline.parse({ read_only: true, stages: [{ name: 's', engine: 'codex' }] });
const log = createLogger({ name: 'simulation', level: 'silent' });

/** Runs each worker has behind it: a fleet knows its workers, were it only since its last restart. */
const runsBehind = 20;

function candidateOf(
  { id, slots, slowness }: SimWorker,
  random: Random,
  within: number,
  local: boolean,
): Candidate {
  const pace = newPace();
  for (let n = 0; n < runsBehind; n++) tookToRun(pace, 1e6 * slowness, 1e6 * within ** (2 * random() - 1));
  return {
    worker_id: id,
    state: 'up',
    slots,
    busy: 0,
    engines: new Set(['command', 'codex']),
    pipelines: new Set(['work']),
    local,
    settled: true,
    retired: false,
    labels: new Set(),
    pace,
    slowdown: 1,
  };
}

/**
 * Discrete events through the coordinator's own scheduler, queue and policy: only time, workers and the
 * store are made up. What it knows of a worker's speed it learns from the runs that end there.
 */
export async function simulate(
  workers: readonly SimWorker[],
  runs: readonly SimRun[],
  options: SimOptions = {},
): Promise<Simulated> {
  const { dispatchMs = 5, weights = {}, policy = 'least-expected-completion', within = 1.3 } = options;
  const { hedgeShare, refused } = options;
  const local = refused === undefined;
  const each = local ? work : asking;
  const recipes = { config: configSchema.parse({}), configured: { work: each }, here: { work: each } };
  const random = seeded(workers.length);
  const candidates = workers.map((worker) => candidateOf(worker, random, within, local));
  const byId = new Map(workers.map((worker, at) => [worker.id, { worker, candidate: candidates[at] }]));
  const attempts = createOpenAttempts();
  attempts.watch(({ worker_id: id }) => {
    const candidate = byId.get(id)?.candidate;
    if (candidate !== undefined) candidate.busy = attempts.slotsTaken(id);
  });
  const typicalMs = Math.exp(runs.reduce((sum, run) => sum + Math.log(run.estimateMs), 0) / runs.length);
  const records = new Map<string, RunRecord>();
  const startsMs = runs.map(() => Number.NaN);
  const sojournsMs = runs.map(() => Number.NaN);
  const heldMs = { firsts: 0, hedges: 0 };
  const begunMs = new Map<OpenAttempt, number>();
  const events = new Heap<Event>((a, b) => (a.at === b.at ? a.order < b.order : a.at < b.at));
  let [now, scheduled, makespanMs, placed] = [0, 0, 0, 0];
  const spent: Simulated['spent'] = [];

  const schedule = (at: number, attempt: OpenAttempt | undefined): void => {
    events.push({ at, attempt, order: scheduled++ });
  };
  const fleet = { candidates: () => candidates, get: () => undefined };
  const clock = { now: () => now, uptimeMs: () => now };
  const given = {
    typical: (run: Pick<RunRecord, 'spec'>) => Number(run.spec.inputs['estimate']),
    mean: () => typicalMs,
  };
  const learnt = createRunEstimates(() => fleet);
  const estimates = hedgeShare === undefined ? given : learnt;
  const queue = createRunQueue<WaitingRun>({
    weight: (lane) => weights[taskOf(lane)] ?? 1,
    running: attempts.slotsOfLane,
  });
  const gates = createRateGates(attempts, random);
  const admission = createAdmission({
    gates,
    breakers: createBreakers(clock, () => undefined),
    fleet: { ...fleet, get: () => ({ origin: local ? 'local' : 'remote' }) },
  });
  const model = { engines: ['codex' as const], model: undefined };
  for (const { id } of workers.slice(0, refused ?? 0)) {
    gates.refused(gates.keyOf(model, id) ?? '', now, forGoodMs);
  }
  const common = {
    attempts,
    fleet,
    admission,
    policy: policies[policy],
    places: { recipesIn: () => recipes },
    clock,
    log,
  };
  const send = (attempt: OpenAttempt): Promise<void> => {
    placed++;
    const index = indexOf(attempt.run_id);
    const slowness = byId.get(attempt.worker_id)?.worker.slowness ?? 1;
    const isFirst = attempt.attempt === 1;
    const straggles = runs[index]?.straggles?.[isFirst ? 0 : 1] ?? 1;
    if (isFirst) startsMs[index] = now + dispatchMs;
    if (hedgeShare !== undefined) begunMs.set(attempt, now);
    attempt.seenBoot = 'boot';
    schedule(now + dispatchMs + (runs[index]?.sizeMs ?? 0) * slowness * straggles, attempt);
    return Promise.resolve();
  };
  const store = {
    claim: (claims: readonly Claim[]) =>
      Promise.resolve(
        claims.map((claim) => {
          const index = indexOf(claim.run_id);
          const asked = runs[index];
          const fresh = asked && accepted(newRun(asked, index), index + 1);
          const run = records.get(claim.run_id) ?? fresh;
          const next = run && claimed(run, claim);
          if (next !== undefined) records.set(claim.run_id, next);
          return next;
        }),
      ),
    get: (runId: string) => Promise.resolve(records.get(runId)),
  };
  const announce = (changed: readonly (RunRecord | undefined)[]): RunRecord[] =>
    changed.filter((run) => run !== undefined);
  const scheduler = createScheduler({
    ...common,
    queue,
    store: {
      ...store,
      // The records are made when they are claimed: a million of them would take more room than all else.
      submit(entries) {
        const [first] = entries;
        if (first === undefined) return Promise.resolve([]);
        const created = { kind: 'created' as const, run: accepted(first, 0) };
        return Promise.resolve(entries.map(() => created));
      },
    },
    trees: {
      neededBy: () => undefined,
      isFree: () => true,
      hold: () => undefined,
      release: () => false,
    },
    readiness: {
      size: 0,
      isReady: () => true,
      hold: () => undefined,
      drop: () => undefined,
      given: () => undefined,
    },
    dispatch: { send },
    parking: { size: 0, has: () => false, keep: () => false, remove: () => undefined, release: () => [] },
    estimates,
    changes: { announce },
  });
  // It comes by in simulated time: nothing wakes it by the clock on the wall.
  const hedges = createHedges({
    ...common,
    share: hedgeShare ?? 0,
    attempts: { ...attempts, watch: () => undefined },
    queue,
    store,
    estimates: learnt,
    dispatch: {
      send,
      cancel(given) {
        for (const attempt of given) schedule(now + dispatchMs, attempt);
        return Promise.resolve();
      },
      takeBack: () => Promise.resolve(),
      drop: () => Promise.resolve(),
    },
    changes: { announce, recent: (runId) => records.get(runId) },
  });

  function end(attempt: OpenAttempt): void {
    if (!attempts.has(attempt)) return;
    const index = indexOf(attempt.run_id);
    const run = runs[index];
    const known = byId.get(attempt.worker_id);
    const record = records.get(attempt.run_id);
    attempts.remove(attempt);
    heldMs[attempt.attempt === 1 ? 'firsts' : 'hedges'] += now - (begunMs.get(attempt) ?? now);
    begunMs.delete(attempt);
    if (attempt.superseded) return;
    if (run !== undefined && known?.candidate !== undefined) {
      tookToRun(known.candidate.pace, run.sizeMs * known.worker.slowness, run.estimateMs);
    }
    sojournsMs[index] = now - (run?.at ?? 0);
    records.delete(attempt.run_id);
    if (hedgeShare === undefined || record === undefined) return;
    const over = finished(record, endOf(attempt, now));
    if (over === undefined) return;
    learnt.ended(over);
    hedges.ended(over);
  }
  async function arrive(from: number): Promise<number> {
    const at = runs[from]?.at ?? 0;
    let to = from;
    while (to < runs.length && runs[to]?.at === at && runs[to]?.task === runs[from]?.task) to++;
    const before = placed;
    const sentMs = performance.now();
    const submitted = scheduler.submit(runs.slice(from, to).map((run, index) => newRun(run, from + index)));
    const spentMs = performance.now() - sentMs;
    await submitted;
    await turn();
    if (placed > before) spent.push({ ms: spentMs, placed: placed - before, queued: scheduler.queued });
    return to;
  }

  let lookMs = hedgeShare === undefined ? Infinity : lookEveryMs;
  for (let arrived = 0; arrived < runs.length || events.size > 0;) {
    now = Math.min(events.top?.at ?? Infinity, runs[arrived]?.at ?? Infinity, lookMs);
    if (now === lookMs) {
      lookMs += lookEveryMs;
      await hedges.look();
    }
    while (events.top?.at === now) {
      const attempt = events.pop()?.attempt;
      if (attempt !== undefined) end(attempt);
      makespanMs = now;
    }
    while (arrived < runs.length && runs[arrived]?.at === now) arrived = await arrive(arrived);
    const before = placed;
    const { queued } = scheduler;
    const from = performance.now();
    const ticked = scheduler.tick(now);
    const spentMs = performance.now() - from;
    await ticked;
    await turn();
    if (placed > before) spent.push({ ms: spentMs, placed: placed - before, queued });
  }
  return {
    startsMs,
    sojournsMs,
    heldMs,
    waitsMs: startsMs.map((start, at) => start - (runs[at]?.at ?? 0)),
    makespanMs,
    spent,
  };
}

function endOf(attempt: OpenAttempt, now: number): Finish {
  const { run_id } = attempt;
  const outcome = { kind: 'exit' as const, code: 0 };
  return { run_id, attempt: attempt.attempt ?? 0, now, status: 'completed', outcome, handles: [] };
}

function newRun(run: SimRun, index: number) {
  return {
    run_id: `run-${String(index)}`,
    owner: 'o',
    now: run.at,
    spec: {
      pipeline: 'work',
      task_id: run.task,
      cwd: '/',
      inputs: run.kind === undefined ? { estimate: run.estimateMs } : { kind: run.kind },
      ask: false,
      depth: 0,
      ...(run.priority !== 0 && { priority: run.priority }),
    },
  };
}

function indexOf(runId: string): number {
  return Number(runId.slice('run-'.length));
}
