import { maxBatch } from '../../schemas/tools.ts';
import { columns, quantile, short } from './statistics.ts';
import { hedging } from './schedule/hedging.ts';
import { push } from './schedule/push.ts';
import { simulate } from './schedule/simulate.ts';
import {
  equalWorkers,
  gapsAtLoad,
  lowerBoundMs,
  meanSizeMs,
  mixedWorkers,
  runsOf,
  seeded,
  type SimRun,
  type SimWorker,
} from './schedule/workload.ts';

const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const dispatchMs = 5;

interface Makespans {
  ours: number;
  random: number;
  roundRobin: number;
  leastLoaded: number;
}

/** A batch that comes at once: its makespan over the lower bound, and what pushing it makes of it. */
async function makespan(
  seed: number,
  workersOf: (random: () => number) => SimWorker[],
  within: number,
  count: number,
): Promise<Makespans> {
  const random = seeded(seed);
  const workers = workersOf(random);
  const runs = runsOf({ count, within }, random);
  const bound = lowerBoundMs(runs, workers);
  const { makespanMs } = await simulate(workers, runs, { within, dispatchMs });
  const pushed = (rule: Parameters<typeof push>[2]): number =>
    push(workers, runs, rule, random, dispatchMs).makespanMs / bound;
  return {
    ours: makespanMs / bound,
    random: pushed('random'),
    roundRobin: pushed('round-robin'),
    leastLoaded: pushed('least-loaded'),
  };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

async function batches(workersOf: (random: () => number) => SimWorker[], within: number) {
  const all: Makespans[] = [];
  for (const seed of seeds) all.push(await makespan(seed, workersOf, within, 10_000));
  const of = (name: keyof Makespans): number[] => all.map((each) => each[name]);
  return {
    row: [
      mean(of('ours')),
      Math.max(...of('ours')),
      mean(of('random')),
      mean(of('roundRobin')),
      mean(of('leastLoaded')),
    ],
    mean: mean(of('ours')),
    worst: Math.max(...of('ours')),
  };
}

/** Runs that come one by one at a load of 0.9: how long 99 of 100 wait at most, beside those that are pushed. */
async function stream(seed: number): Promise<{ oursMs: number; pushMs: number; randomMs: number }> {
  const random = seeded(seed);
  const workers = mixedWorkers(16, random);
  const runs = runsOf({ count: 20_000, within: 1.8, gapMs: gapsAtLoad(0.9, workers) }, random);
  const { waitsMs } = await simulate(workers, runs, { within: 1.8, dispatchMs });
  const pushed = (rule: Parameters<typeof push>[2]): number =>
    quantile(push(workers, runs, rule, random, dispatchMs).waitsMs, 0.99);
  return { oursMs: quantile(waitsMs, 0.99), pushMs: pushed('least-loaded'), randomMs: pushed('random') };
}

interface Fairness {
  quietP99Ms: number;
  jain: number;
  longestWaitMs: number;
  /** All work over all slots, and the longest run: what a run waits at most where slots are never left idle beside it. */
  boundMs: number;
}

/** Three floods, one of double weight, beside a lane that sends a run now and then. */
async function fairness(): Promise<Fairness> {
  const random = seeded(12);
  const workers = equalWorkers(16, 4);
  const flood = { count: 3_000, within: 1.8, callOf: maxBatch };
  const quiet = runsOf({ count: 200, within: 1.8, task: 'quiet', gapMs: (next) => 600 * next() }, random);
  const runs = [
    ...runsOf({ ...flood, task: 'a' }, random),
    ...runsOf({ ...flood, task: 'b' }, random),
    ...runsOf({ ...flood, task: 'heavy' }, random),
    ...quiet,
  ].sort((a, b) => a.at - b.at);
  const weights: Record<string, number> = { heavy: 2 };
  const { waitsMs, startsMs } = await simulate(workers, runs, { weights, dispatchMs });
  const untilMs = backlogEnd(runs, startsMs);
  const shares = ['a', 'b', 'heavy'].map(
    (task) => slotTime(runs, startsMs, task, untilMs) / (weights[task] ?? 1),
  );
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return {
    quietP99Ms: quantile(
      waitsMs.filter((_wait, at) => runs[at]?.task === 'quiet'),
      0.99,
    ),
    jain: (sum * sum) / (shares.length * squares),
    longestWaitMs: Math.max(...waitsMs),
    boundMs:
      lowerBoundMs(runs, workers) + Math.max(...runs.map((run) => run.sizeMs)) + (runs.at(-1)?.at ?? 0),
  };
}

/** Until one of the floods has no more run waiting, all of them ask for more than they get. */
function backlogEnd(runs: readonly SimRun[], startsMs: readonly number[]): number {
  const lastStart = (task: string): number =>
    Math.max(...startsMs.filter((_start, at) => runs[at]?.task === task));
  return Math.min(...['a', 'b', 'heavy'].map(lastStart));
}

function slotTime(
  runs: readonly SimRun[],
  startsMs: readonly number[],
  task: string,
  untilMs: number,
): number {
  return runs.reduce((sum, run, at) => {
    const start = startsMs[at] ?? untilMs;
    if (run.task !== task || start >= untilMs) return sum;
    return sum + Math.min(run.sizeMs, untilMs - start);
  }, 0);
}

/**
 * What a decision costs as fleet and queue grow tenfold and tenfold again, while the queue is that long.
 * `refused`: runs call a model, by an account of each worker's own, and this share of those is refused for good.
 */
async function decisions(refused?: number): Promise<{ workers: number; queued: number; us: number }[]> {
  const measured = [];
  for (const [workers, queued] of [
    [10, 1_000],
    [100, 10_000],
    [1_000, 100_000],
  ] as const) {
    // A gate lets eight runs through at first: each account is full when its worker is, and has room again.
    const slots = refused === undefined ? 4 : 8;
    const options = {
      dispatchMs,
      ...(refused !== undefined && { refused: Math.round(refused * workers) }),
    };
    const runs = runsOf({ count: queued + slots * workers, within: 1.8 }, seeded(13));
    // The first time is the compiler's.
    await simulate(equalWorkers(workers, slots), runs.slice(0, 6 * workers), options);
    const { spent } = await simulate(equalWorkers(workers, slots), runs, options);
    // Not the batch's own call, which also files its runs; and while nine tenths are still waiting.
    const early = spent.slice(1).filter((each) => each.queued >= 0.9 * queued);
    const placed = early.reduce((sum, each) => sum + each.placed, 0);
    measured.push({ workers, queued, us: (early.reduce((sum, each) => sum + each.ms, 0) * 1000) / placed });
  }
  return measured;
}

/** All at once, because no part of a batch can be ordered before it is known. */
async function million(): Promise<number> {
  const random = seeded(14);
  const workers = mixedWorkers(1_000, random);
  const runs = runsOf({ count: 1_000_000, within: 1.3 }, random);
  const { makespanMs } = await simulate(workers, runs, { dispatchMs });
  return makespanMs / lowerBoundMs(runs, workers);
}

/**
 * The coordinator's own scheduler in simulated time, against pushing runs to workers as they come and
 * against what no schedule can undercut. Run times are heavy-tailed (bounded Pareto, exponent 1.5), and
 * each scenario is seeded. `-- schedule --million` adds a batch of 1,000,000 runs on 1,000 workers: 160 s of one
 * core and 2.2 GB, of which most is the queue of a million runs itself.
 */
export async function run(): Promise<{ table: string; pass: boolean; figures: Record<string, number> }> {
  const equal = await batches(() => equalWorkers(16, 4), 1.8);
  const mixed = await batches((random) => mixedWorkers(16, random), 1.3);
  const small = await batches((random) => mixedWorkers(8, random), 1.3);
  const large = await makespan(15, (random) => mixedWorkers(1_000, random), 1.3, 100_000);
  const streams = [];
  for (const seed of seeds.slice(0, 5)) streams.push(await stream(seed));
  const waits = {
    oursMs: mean(streams.map(({ oursMs }) => oursMs)),
    pushMs: mean(streams.map(({ pushMs }) => pushMs)),
    randomMs: mean(streams.map(({ randomMs }) => randomMs)),
  };
  const fair = await fairness();
  const costs = await decisions();
  const remote = await decisions(0);
  const shut = await decisions(0.3);
  const hedged = [];
  for (const seed of seeds.slice(0, 3)) hedged.push(await hedging(seed, 20_000));
  const hedges = {
    slowdown: mean(hedged.map(({ slowdown }) => slowdown)),
    slowdownUnhedged: mean(hedged.map(({ slowdownUnhedged }) => slowdownUnhedged)),
    worstRatio: Math.max(...hedged.map(({ slowdown, slowdownUnhedged }) => slowdown / slowdownUnhedged)),
    mostExtra: Math.max(...hedged.map(({ extraWork }) => extraWork)),
  };
  const whole = process.argv.includes('--million') ? { million_runs: await million() } : {};
  const figures = {
    equal_mean: equal.mean,
    mixed_mean: mixed.mean,
    mixed_worst: mixed.worst,
    large: large.ours,
    stream_ratio: waits.oursMs / waits.pushMs,
    quiet_p99_ms: fair.quietP99Ms,
    quiet_bound_ms: meanSizeMs() / 5 + dispatchMs,
    jain: fair.jain,
    longest_wait_ms: fair.longestWaitMs,
    longest_wait_bound_ms: fair.boundMs,
    decision_us: costs.at(-1)?.us ?? Number.NaN,
    decision_us_remote: remote.at(-1)?.us ?? Number.NaN,
    decision_us_refused: shut.at(-1)?.us ?? Number.NaN,
    hedged_ratio_worst: hedges.worstRatio,
    hedged_extra_work_most: hedges.mostExtra,
    ...whole,
  };
  const pass =
    equal.worst <= 1.05 &&
    figures.mixed_mean <= 1.1 &&
    figures.mixed_worst <= 1.2 &&
    figures.stream_ratio <= 0.5 &&
    figures.quiet_p99_ms <= figures.quiet_bound_ms &&
    figures.jain >= 0.98 &&
    figures.longest_wait_ms <= figures.longest_wait_bound_ms &&
    figures.decision_us <= 50 &&
    figures.decision_us_remote <= 50 &&
    figures.decision_us_refused <= 50 &&
    figures.hedged_ratio_worst <= 0.3 &&
    figures.hedged_extra_work_most <= 0.06;
  const cells = (values: readonly number[]): string[] => values.map(short);
  const table = [
    'Makespan ÷ lower bound, 10 seeds:',
    columns([
      ['batch of 10,000', 'mean', 'worst', 'random', 'round robin', 'least loaded'],
      ['16 equal workers, estimates within ×1.8', ...cells(equal.row)],
      ['16 mixed workers, estimates within ×1.3', ...cells(mixed.row)],
      ['8 mixed workers, estimates within ×1.3', ...cells(small.row)],
      [
        '100,000 runs on 1,000 mixed workers, one seed',
        ...cells([large.ours, large.ours, large.random, large.roundRobin, large.leastLoaded]),
      ],
    ]),
    '',
    `p99 wait at load 0.9, mean of 5 seeds: ${short(waits.oursMs)} ms; pushed to the least loaded ${short(waits.pushMs)} ms, at random ${short(waits.randomMs)} ms`,
    '',
    `2 % stragglers at load 0.6, p99.9 slowdown (acceptance to end ÷ service time had the run not straggled), mean of 3 seeds after 2,000 runs that teach how long such runs take: ${short(hedges.slowdown)}, without hedges ${short(hedges.slowdownUnhedged)}; worst ratio ${short(hedges.worstRatio)}, extra work at most ${short(100 * hedges.mostExtra)} %`,
    '',
    'A decision:',
    columns([
      ['workers', 'queued', 'µs', 'an account each', '30 % of them refused'],
      ...costs.map(({ workers, queued, us }, at) => [
        String(workers),
        String(queued),
        ...[us, remote[at]?.us ?? Number.NaN, shut[at]?.us ?? Number.NaN].map(short),
      ]),
    ]),
    '',
    columns(Object.entries(figures).map(([name, value]) => [name, short(value)])),
  ].join('\n');
  return { table, pass, figures };
}
