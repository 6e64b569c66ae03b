import { setImmediate as turn } from 'node:timers/promises';
import { createOpenAttempts, type OpenAttempt } from '../../../coordinator/fleet/open-attempts.ts';
import { policies } from '../../../coordinator/policies/index.ts';
import { createAdmission } from '../../../coordinator/admission.ts';
import { createBreakers } from '../../../coordinator/breakers.ts';
import { createRateGates } from '../../../coordinator/rate-gates.ts';
import { createScheduler, type WaitingRun } from '../../../coordinator/scheduler.ts';
import { accepted, claimed } from '../../../coordinator/store/run-changes.ts';
import type { RunRecord } from '../../../coordinator/store/run-store.ts';
import { taskOf } from '../../../coordinator/fleet/open-attempts.ts';
import { Heap } from '../../../core/heap.ts';
import { newPace, tookToRun } from '../../../core/pace.ts';
import type { Candidate } from '../../../core/placement.ts';
import { createRunQueue } from '../../../core/queue.ts';
import { createLogger } from '../../../platform/log.ts';
import type { Config } from '../../../schemas/config.ts';
import { pipeline } from '../../../schemas/pipeline.ts';
import { seeded, type Random, type SimRun, type SimWorker } from './workload.ts';

export interface SimOptions {
  policy?: Config['scheduling']['policy'];
  weights?: Readonly<Record<string, number>>;
  /** How far the estimates were off by which the workers' speeds were learnt. */
  within?: number;
  /** From a placement to the start of the run, ms. */
  dispatchMs?: number;
}

export interface Simulated {
  /** From acceptance to start, ms, by the place of the run. */
  waitsMs: number[];
  /** When each run began, ms. */
  startsMs: number[];
  makespanMs: number;
  /** What the calls of the scheduler that placed something took, ms, until they answered their promise. */
  spent: { ms: number; placed: number; queued: number }[];
}

interface Event {
  at: number;
  /** In order of what was scheduled first, where two are due at once. */
  order: number;
  attempt: OpenAttempt | undefined;
}

const work = pipeline.parse({ read_only: true, stages: [{ name: 's', engine: 'command', argv: ['x'] }] });
const recipes = { configured: { work }, here: { work } };
const log = createLogger({ name: 'simulation', level: 'silent' });

/** Runs each worker has behind it: a fleet knows its workers, were it only since its last restart. */
const runsBehind = 20;

function candidateOf({ id, slots, slowness }: SimWorker, random: Random, within: number): Candidate {
  const pace = newPace();
  for (let n = 0; n < runsBehind; n++) tookToRun(pace, 1e6 * slowness, 1e6 * within ** (2 * random() - 1));
  return {
    worker_id: id,
    state: 'up',
    slots,
    busy: 0,
    engines: new Set(['command']),
    pipelines: new Set(['work']),
    local: true,
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
  const random = seeded(workers.length);
  const candidates = workers.map((worker) => candidateOf(worker, random, within));
  const byId = new Map(workers.map((worker, at) => [worker.id, { worker, candidate: candidates[at] }]));
  const attempts = createOpenAttempts();
  attempts.watch(({ worker_id: id }) => {
    const candidate = byId.get(id)?.candidate;
    if (candidate !== undefined) candidate.busy = attempts.slotsTaken(id);
  });
  const typicalMs = Math.exp(runs.reduce((sum, run) => sum + Math.log(run.estimateMs), 0) / runs.length);
  const records = new Map<string, RunRecord>();
  const startsMs = runs.map(() => Number.NaN);
  const events = new Heap<Event>((a, b) => (a.at === b.at ? a.order < b.order : a.at < b.at));
  let [now, scheduled, makespanMs, placed, seq] = [0, 0, 0, 0, 0];
  const spent: Simulated['spent'] = [];

  const schedule = (at: number, attempt: OpenAttempt | undefined): void => {
    events.push({ at, attempt, order: scheduled++ });
  };
  const fleet = { candidates: () => candidates, get: () => undefined };
  const scheduler = createScheduler({
    store: {
      submit: (entries) =>
        Promise.resolve(
          entries.map((entry) => {
            const run = accepted(entry, ++seq);
            records.set(run.run_id, run);
            return { kind: 'created', run };
          }),
        ),
      claim: (claims) =>
        Promise.resolve(
          claims.map((claim) => {
            const run = records.get(claim.run_id);
            return run && claimed(run, claim);
          }),
        ),
    },
    queue: createRunQueue<WaitingRun>({
      weight: (lane) => weights[taskOf(lane)] ?? 1,
      running: attempts.slotsOfLane,
    }),
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
    attempts,
    fleet,
    dispatch: {
      send(attempt) {
        placed++;
        const index = indexOf(attempt.run_id);
        const slowness = byId.get(attempt.worker_id)?.worker.slowness ?? 1;
        startsMs[index] = now + dispatchMs;
        schedule(now + dispatchMs + (runs[index]?.sizeMs ?? 0) * slowness, attempt);
        return Promise.resolve();
      },
    },
    admission: createAdmission({
      gates: createRateGates(attempts, random),
      breakers: createBreakers({ uptimeMs: () => now }, () => undefined),
      fleet,
    }),
    parking: { size: 0, has: () => false, keep: () => false, remove: () => undefined, release: () => [] },
    policy: policies[policy],
    estimates: {
      typical: (run) => Number(run.spec.inputs['estimate']),
      mean: () => typicalMs,
    },
    places: { recipesIn: () => recipes },
    changes: { announce: (changed) => changed.filter((run) => run !== undefined) },
    clock: { now: () => now, uptimeMs: () => now },
    log,
  });

  function end(attempt: OpenAttempt): void {
    const run = runs[indexOf(attempt.run_id)];
    const known = byId.get(attempt.worker_id);
    if (run !== undefined && known?.candidate !== undefined) {
      tookToRun(known.candidate.pace, run.sizeMs * known.worker.slowness, run.estimateMs);
    }
    attempts.remove(attempt);
    records.delete(attempt.run_id);
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

  for (let arrived = 0; arrived < runs.length || events.size > 0;) {
    now = Math.min(events.top?.at ?? Infinity, runs[arrived]?.at ?? Infinity);
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
    waitsMs: startsMs.map((start, at) => start - (runs[at]?.at ?? 0)),
    makespanMs,
    spent,
  };
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
      inputs: { estimate: run.estimateMs },
      ask: false,
      depth: 0,
      ...(run.priority !== 0 && { priority: run.priority }),
    },
  };
}

function indexOf(runId: string): number {
  return Number(runId.slice('run-'.length));
}
