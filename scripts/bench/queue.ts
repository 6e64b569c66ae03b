import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { openSqliteRunStore } from '../../coordinator/store/sqlite-run-store.ts';
import type { RunStore } from '../../coordinator/store/run-store.ts';
import { bareLoop } from './queue-bare.ts';
import { claimOf, finishOf, newRun } from './queue-fixture.ts';
import { columns, median, quantile, short } from './statistics.ts';

/** Runs in flight at once, and how many runs a round takes through the store. */
const loads = [
  { inFlight: 1, total: 300 },
  { inFlight: 8, total: 1600 },
  { inFlight: 64, total: 6400 },
] as const;
const rounds = 3;
const leastRatio = 0.4;
const mostStallMs = 20;

interface Round {
  runsPerSecond: number;
  latenciesMs: number[];
  stallMs: number;
}

interface LoadFigures {
  inFlight: number;
  runsPerSecond: number;
  bareRunsPerSecond: number;
  ratio: number;
  callP50Ms: number;
  callP99Ms: number;
  stallMs: number;
}

/**
 * Durable accept → claim → finish through the real store against a bare loop of the same writes, in
 * interleaved rounds on one disk. `pass`: at 64 in flight at least 0.4 × the bare loop, and the main
 * thread never held for more than 20 ms.
 */
export async function run(): Promise<{ table: string; pass: boolean; figures: Record<string, number> }> {
  const measured: LoadFigures[] = [];
  for (const load of loads) measured.push(await measure(load.inFlight, load.total));
  const ratio = measured.at(-1)?.ratio ?? 0;
  const pass = ratio >= leastRatio && measured.every((load) => load.stallMs <= mostStallMs);
  return { table: format(measured), pass, figures: Object.fromEntries(measured.flatMap(flatten)) };
}

async function measure(inFlight: number, total: number): Promise<LoadFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-queue-'));
  try {
    const stores: Round[] = [];
    const bare: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      bare.push(bareLoop(join(folder, `bare-${round}.db`), inFlight, total));
      stores.push(await throughStore(join(folder, `store-${round}.db`), inFlight, total));
    }
    const runsPerSecond = median(stores.map((round) => round.runsPerSecond));
    const latencies = stores.flatMap((round) => round.latenciesMs);
    return {
      inFlight,
      runsPerSecond,
      bareRunsPerSecond: median(bare),
      ratio: runsPerSecond / median(bare),
      callP50Ms: median(latencies),
      callP99Ms: quantile(latencies, 0.99),
      stallMs: Math.max(...stores.map((round) => round.stallMs)),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function throughStore(file: string, inFlight: number, total: number): Promise<Round> {
  const store = await openSqliteRunStore(file);
  // The first calls pay for the compiler; every later process of the fleet has long done so.
  await Promise.all(Array.from({ length: 64 }, () => client(store, 5, [])));
  const latenciesMs: number[] = [];
  const stall = watchStall();
  const from = performance.now();
  const share = Math.ceil(total / inFlight);
  await Promise.all(Array.from({ length: inFlight }, () => client(store, share, latenciesMs)));
  const seconds = (performance.now() - from) / 1000;
  const stallMs = stall.stop();
  await store.close();
  return { runsPerSecond: (share * inFlight) / seconds, latenciesMs, stallMs };
}

/** One caller that takes `count` runs through, one after the other. */
async function client(store: RunStore, count: number, latenciesMs: number[]): Promise<void> {
  async function timed<T>(call: Promise<T>): Promise<T> {
    const from = performance.now();
    const answer = await call;
    latenciesMs.push(performance.now() - from);
    return answer;
  }
  for (let done = 0; done < count; done += 1) {
    const now = Date.now();
    const run = newRun(now);
    await timed(store.submit([run]));
    await timed(store.claim([claimOf(run, now)]));
    const [ended] = await timed(store.finish([finishOf(run, now)]));
    if (ended?.status !== 'completed') throw new Error(`${run.run_id} did not end as it should`);
  }
}

/** The longest time the event loop did not get round to a timer due every millisecond. */
function watchStall(): { stop(): number } {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - 1);
    last = now;
  }, 1);
  return {
    stop() {
      clearInterval(timer);
      return longest;
    },
  };
}

function format(loads: readonly LoadFigures[]): string {
  const head = ['in flight', 'runs/s', 'bare runs/s', 'ratio', 'call p50 ms', 'call p99 ms', 'stall ms'];
  const rows = loads.map((load) =>
    [
      load.inFlight,
      load.runsPerSecond,
      load.bareRunsPerSecond,
      load.ratio,
      load.callP50Ms,
      load.callP99Ms,
      load.stallMs,
    ].map(short),
  );
  return columns([head, ...rows]);
}

function flatten(load: LoadFigures): [string, number][] {
  return Object.entries(load).map(([name, value]) => [`${name}_at_${load.inFlight}`, value]);
}
