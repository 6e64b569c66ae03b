/** A worker of the simulation: how many runs at a time, and how much longer they take on it than typical. */
export interface SimWorker {
  id: string;
  slots: number;
  slowness: number;
}

/** A run of the simulation. Times are ms. */
export interface SimRun {
  task: string;
  at: number;
  sizeMs: number;
  estimateMs: number;
  priority: number;
  /** Runs of one kind take about as long; absent where its estimate is given instead. */
  kind?: number;
  /** How much longer its first and its second attempt take than they should. */
  straggles?: readonly [number, number];
}

export type Random = () => number;

/** Mulberry32: small, fast, and the same everywhere for one seed. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const shape = 1.5;
const [leastMs, mostMs] = [1_000, 1_000_000];

/** Bounded Pareto: most runs are short, and a few make up much of the work. */
function heavyTailed(random: Random): number {
  const tail = (leastMs / mostMs) ** shape;
  return leastMs / (1 - random() * (1 - tail)) ** (1 / shape);
}

/** Off by up to `factor` either way, evenly in the logarithm. */
function estimateOf(sizeMs: number, factor: number, random: Random): number {
  return sizeMs * factor ** (2 * random() - 1);
}

export interface Load {
  count: number;
  task?: string;
  priority?: number;
  /** How far estimates are off. */
  within: number;
  /** When the next run comes, ms after the one before. */
  gapMs?: (random: Random) => number;
  /** How many come with one call, the calls 1 ms apart. */
  callOf?: number;
}

/** Runs by the time they come; all at once where no gap is given. */
export function runsOf(load: Load, random: Random): SimRun[] {
  let at = 0;
  return Array.from({ length: load.count }, (_, index) => {
    at += load.gapMs?.(random) ?? 0;
    if (load.callOf !== undefined) at = Math.floor(index / load.callOf);
    const sizeMs = heavyTailed(random);
    const estimateMs = estimateOf(sizeMs, load.within, random);
    return { task: load.task ?? 'task', at, sizeMs, estimateMs, priority: load.priority ?? 0 };
  });
}

const kinds = 100;
const stragglers = 0.02;
const mostStraggling = 19;

/**
 * Runs of kinds that come again and again, as a Poisson stream that keeps `workers` at this share of what
 * they can do. Of all attempts 2 in 100 take 1 to 19 times as long as they should, whichever the run.
 */
export function stragglingRuns(
  load: { count: number; within: number; share: number },
  workers: readonly SimWorker[],
  random: Random,
): SimRun[] {
  const typicalMs = Array.from({ length: kinds }, () => heavyTailed(random));
  const meanMs = typicalMs.reduce((sum, ms) => sum + ms, 0) / kinds;
  const perMs = (load.share * speedOf(workers)) / meanMs;
  const straggle = (): number => (random() < stragglers ? 1 + (mostStraggling - 1) * random() : 1);
  let at = 0;
  return Array.from({ length: load.count }, () => {
    at -= Math.log(1 - random()) / perMs;
    const kind = Math.floor(kinds * random());
    const estimateMs = typicalMs[kind] ?? meanMs;
    const sizeMs = estimateOf(estimateMs, load.within, random);
    return { task: 'task', at, sizeMs, estimateMs, priority: 0, kind, straggles: [straggle(), straggle()] };
  });
}

/** Gaps of a Poisson stream that keeps `workers` at this share of what they can do. */
export function gapsAtLoad(share: number, workers: readonly SimWorker[]): (random: Random) => number {
  const perMs = (share * speedOf(workers)) / meanSizeMs();
  return (random) => -Math.log(1 - random()) / perMs;
}

export function meanSizeMs(): number {
  const tail = (leastMs / mostMs) ** shape;
  const factor = shape / (shape - 1) / (1 - tail);
  return factor * leastMs * (1 - (leastMs / mostMs) ** (shape - 1));
}

export function equalWorkers(count: number, slots: number): SimWorker[] {
  return Array.from({ length: count }, (_, at) => ({ id: `w${String(at)}`, slots, slowness: 1 }));
}

/** 1 to 8 slots, half to twice the typical speed. */
export function mixedWorkers(count: number, random: Random): SimWorker[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `w${String(at)}`,
    slots: 1 + Math.floor(random() * 8),
    slowness: 2 ** (2 * random() - 1),
  }));
}

/** Work done in a ms, in ms of a worker of typical speed. */
export function speedOf(workers: readonly SimWorker[]): number {
  return workers.reduce((sum, { slots, slowness }) => sum + slots / slowness, 0);
}

/**
 * No schedule of runs that all come at once ends sooner: the optimum of uniform machines were runs to move
 * freely between them (Horvath, Lam, Sethi 1977): all work over all speed, and for every k the k longest
 * runs over the k fastest slots.
 */
export function lowerBoundMs(runs: readonly SimRun[], workers: readonly SimWorker[]): number {
  const speeds = workers
    .flatMap(({ slots, slowness }) => Array.from({ length: slots }, () => 1 / slowness))
    .sort((a, b) => b - a);
  const sizes = runs.map(({ sizeMs }) => sizeMs).sort((a, b) => b - a);
  let [work, speed, bound] = [0, 0, 0];
  for (const [at, size] of sizes.entries()) {
    work += size;
    speed += speeds[at] ?? 0;
    if (at < speeds.length) bound = Math.max(bound, work / speed);
  }
  return Math.max(bound, work / speed);
}
