import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
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
const idleRuns = 300;
const [mostIdleP50Ms, mostIdleP99Ms] = [2, 15];

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
 * interleaved rounds on one disk; how long a run waits for its claim where nothing else is going on; and
 * the first while another process writes and syncs as fast as it can. `pass`: under every load at least
 * 0.4 × the bare loop, an idle dispatch within 2 ms (p50) and 15 ms (p99), and the main thread never held
 * for more than 20 ms.
 */
export async function run(): Promise<{ table: string; pass: boolean; figures: Record<string, number> }> {
  const measured: LoadFigures[] = [];
  for (const load of loads) measured.push(await measure(load.inFlight, load.total));
  const idle = await idleDispatch();
  const hammeredStallMs = await stallWhileHammered();
  const figures = {
    ...Object.fromEntries(measured.flatMap(flatten)),
    idle_p50_ms: quantile(idle, 0.5),
    idle_p99_ms: quantile(idle, 0.99),
    hammered_stall_ms: hammeredStallMs,
  };
  const pass =
    measured.every(({ ratio, stallMs }) => ratio >= leastRatio && stallMs <= mostStallMs) &&
    figures.idle_p50_ms <= mostIdleP50Ms &&
    figures.idle_p99_ms <= mostIdleP99Ms &&
    hammeredStallMs <= mostStallMs;
  const rest = [
    `idle dispatch: p50 ${short(figures.idle_p50_ms)} ms, p99 ${short(figures.idle_p99_ms)} ms`,
    `stall beside a process that hammers the disk: ${short(hammeredStallMs)} ms`,
  ];
  return { table: [format(measured), '', ...rest].join('\n'), pass, figures };
}

/** From submit to a durable claim, one run at a time with pauses between. */
async function idleDispatch(): Promise<number[]> {
  return withStore(async (store) => {
    const latenciesMs: number[] = [];
    for (let done = 0; done < idleRuns; done += 1) {
      await delay(5);
      const run = newRun(Date.now());
      const from = performance.now();
      await Promise.all([store.submit([run]), store.claim([claimOf(run, run.now)])]);
      latenciesMs.push(performance.now() - from);
      await store.finish([finishOf(run, run.now)]);
    }
    return latenciesMs;
  });
}

/** Ends by itself, should this process not end it. */
const hammer = `
  const { openSync, writeSync, fsyncSync } = require('node:fs');
  const fd = openSync(process.argv[1], 'w');
  const block = Buffer.alloc(1 << 20, 1);
  const until = Date.now() + 20_000;
  for (let at = 0; Date.now() < until; at = (at + 1) % 64) {
    writeSync(fd, block, 0, block.length, at * block.length);
    fsyncSync(fd);
  }`;

async function stallWhileHammered(): Promise<number> {
  return withStore(async (store, folder) => {
    const child = spawn(process.execPath, ['-e', hammer, join(folder, 'hammered')], { stdio: 'ignore' });
    try {
      await delay(200);
      const stall = watchStall();
      await Promise.all(Array.from({ length: 8 }, () => client(store, 100, [])));
      return stall.stop();
    } finally {
      child.kill('SIGKILL');
    }
  });
}

async function withStore<T>(work: (store: RunStore, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-queue-'));
  const store = await openSqliteRunStore(join(folder, 'runs.db'));
  try {
    await Promise.all(Array.from({ length: 64 }, () => client(store, 5, [])));
    return await work(store, folder);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
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
