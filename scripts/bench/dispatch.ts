import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { program, startBenchFleet, type BenchFleet } from './bench-fleet.ts';
import { columns, inParallel, median, quantile, short } from './statistics.ts';
import { stdioClient, type StdioClient } from './stdio-client.ts';

interface Load {
  pipeline: 'echo' | 'node';
  width: number;
  total: number;
}

const loads: Load[] = [
  { pipeline: 'echo', width: 1, total: 120 },
  { pipeline: 'echo', width: 8, total: 320 },
  { pipeline: 'echo', width: 32, total: 320 },
  { pipeline: 'node', width: 1, total: 24 },
  { pipeline: 'node', width: 8, total: 128 },
];
const rounds = 3;
/**
 * Not timed: until each worker has had some thousand runs, V8's compiler takes about a sixth of the processor
 * time (seen by perf and --trace-opt).
 */
const warmUpRuns = 3_000;
/** Come first where they are asked for, and warm the fleet up as well. */
const lossRuns = 10_000;

interface Cell extends Load {
  ratio: number;
  runsPerSecond: number;
  /** ms a run took longer than the bare spawn, by medians. */
  addedMs: number;
  startP50Ms: number;
  startP99Ms: number;
  pollP50Ms: number;
  pollP99Ms: number;
}

function bareArgv(pipeline: Load['pipeline'], index: number): [string, string[]] {
  return pipeline === 'echo' ? ['/bin/echo', [`n${String(index)}`]] : [process.execPath, ['-e', '0']];
}

function bareRun(pipeline: Load['pipeline'], index: number, cwd: string): Promise<void> {
  const [file, args] = bareArgv(pipeline, index);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env: {}, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.resume();
    child.stderr.resume();
    child.once('error', reject);
    child.once('close', () => {
      resolve();
    });
  });
}

interface Times {
  runMs: number[];
  startMs: number[];
  pollMs: number[];
  wrong: number;
}

async function fleetRun(fleet: BenchFleet, pipeline: string, index: number, times: Times): Promise<void> {
  const begun = performance.now();
  const input = { pipeline, cwd: fleet.work, inputs: { n: `n${String(index)}` }, task_id: 'bench' };
  const started: { runs?: { run_id: string }[]; cursor?: string } = await fleet.client.call(
    'start_run',
    input,
  );
  const accepted = performance.now();
  const runId = started.runs?.[0]?.run_id ?? '';
  const polled: { runs?: { status: string; outcome?: string; preview?: string }[] } = await fleet.client.call(
    'poll_run',
    { run_ids: [runId], until: 'all', wait_ms: 25_000 },
  );
  const ended = performance.now();
  times.runMs.push(ended - begun);
  times.startMs.push(accepted - begun);
  times.pollMs.push(ended - accepted);
  const run = polled.runs?.[0];
  const right = pipeline !== 'echo' || new RegExp(`: n${String(index)}$`, 'm').test(run?.preview ?? '');
  if (run?.status !== 'completed' || run.outcome !== 'exit 0' || !right) times.wrong += 1;
}

async function measure(fleet: BenchFleet, load: Load): Promise<Cell & { wrong: number }> {
  const times: Times = { runMs: [], startMs: [], pollMs: [], wrong: 0 };
  const ratios: number[] = [];
  const perSecond: number[] = [];
  const bareMs: number[] = [];
  // Its own path, not timed: what runs of another kind taught the compiler, it unlearns here.
  await inParallel(load.total, load.width, (index) =>
    fleetRun(fleet, load.pipeline, index, { runMs: [], startMs: [], pollMs: [], wrong: 0 }),
  );
  for (let round = 0; round < rounds; round += 1) {
    const bare = await inParallel(load.total, Math.min(load.width, 8), async (index) => {
      const begun = performance.now();
      await bareRun(load.pipeline, index, fleet.work);
      bareMs.push(performance.now() - begun);
    });
    const ours = await inParallel(load.total, load.width, (index) =>
      fleetRun(fleet, load.pipeline, index, times),
    );
    ratios.push(bare / ours);
    perSecond.push((load.total / ours) * 1000);
  }
  return {
    ...load,
    ratio: median(ratios),
    runsPerSecond: median(perSecond),
    addedMs: median(times.runMs) - median(bareMs),
    startP50Ms: median(times.startMs),
    startP99Ms: quantile(times.startMs, 0.99),
    pollP50Ms: median(times.pollMs),
    pollP99Ms: quantile(times.pollMs, 0.99),
    wrong: times.wrong,
  };
}

/** From the call of start_run to a poll that shows output, while the run goes on. */
async function firstOutput(fleet: BenchFleet): Promise<number> {
  const seen: number[] = [];
  for (let index = 0; index < 5; index += 1) {
    const begun = performance.now();
    const started: { runs?: { run_id: string }[]; cursor?: string } = await fleet.client.call('start_run', {
      pipeline: 'slow',
      cwd: fleet.work,
      task_id: 'bench',
    });
    let cursor = started.cursor ?? '0';
    for (;;) {
      const polled: { runs?: { preview?: string }[]; cursor?: string } = await fleet.client.call('poll_run', {
        run_ids: [started.runs?.[0]?.run_id ?? ''],
        cursor,
        until: 'change',
        wait_ms: 5_000,
      });
      cursor = polled.cursor ?? cursor;
      if (polled.runs?.some(({ preview }) => preview !== undefined) === true) break;
    }
    seen.push(performance.now() - begun);
  }
  const node = await timeOf(() => bareRun('node', 0, fleet.work));
  return median(seen) - node;
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

async function callTimes(call: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < 300; index += 1) times.push(await timeOf(call));
  return median(times.slice(50));
}

/** Polls an ended run of its own for news there are none of: the least work a tool can do. */
async function pollTime(client: StdioClient, work: string): Promise<() => Promise<number>> {
  const input = { pipeline: 'echo', cwd: work, inputs: { n: 'poll' }, task_id: 'bench' };
  const started: { runs?: { run_id: string }[] } = await client.call('start_run', input);
  const run_ids = [started.runs?.[0]?.run_id ?? ''];
  await client.call('poll_run', { run_ids, until: 'all', wait_ms: 25_000 });
  return () => callTimes(() => client.call('poll_run', { run_ids, cursor: '999999999' }));
}

/** The same tool through the bridge, and on a worker served directly over stdio. */
async function bridgeRatio(fleet: BenchFleet): Promise<number> {
  const args = [program, 'worker', '--stdio', '--id', 'bench-direct'];
  const direct = await stdioClient(process.execPath, args, fleet.env);
  try {
    const [base, bridged] = [await pollTime(direct, fleet.work), await pollTime(fleet.client, fleet.work)];
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const one = await base();
      ratios.push((await bridged()) / one);
    }
    return median(ratios);
  } finally {
    await direct.close();
  }
}

/** By then V8 has given back what starting up took, which is no cost of being idle. */
const settledMs = 40_000;
/** Two rounds of what a coordinator asks its workers, seconds. */
const idleSeconds = 20;

/** CPU time by the median of three spans, since a late collection of V8's takes some 40 ms of one. */
async function idle(fleet: BenchFleet) {
  await delay(settledMs);
  const seen = [await fleet.processes()];
  while (seen.length <= 3) {
    await delay(idleSeconds * 1000);
    seen.push(await fleet.processes());
  }
  const last = seen.at(-1) ?? [];
  const most = (name: string): number =>
    Math.max(...last.filter((each) => each.name === name).map(({ rssMb }) => rssMb));
  const cpu = last.map((_each, of) => {
    const used = seen.map((processes) => processes[of]?.cpuMs ?? Number.NaN);
    return median(used.slice(1).map((ms, at) => (ms - (used[at] ?? Number.NaN)) / idleSeconds));
  });
  return { coordinatorMb: most('coordinator'), workerMb: most('worker'), cpuMsPerSecond: Math.max(...cpu) };
}

/** How many of so many runs, 32 at once, were lost or showed another's output. */
async function noneLost(fleet: BenchFleet, total: number): Promise<number> {
  const times: Times = { runMs: [], startMs: [], pollMs: [], wrong: 0 };
  await inParallel(total, 32, (index) => fleetRun(fleet, 'echo', index, times));
  return times.wrong + (total - times.runMs.length);
}

function row(cell: Cell): string[] {
  const { pipeline, width, ratio, runsPerSecond, addedMs, startP50Ms, startP99Ms, pollP50Ms, pollP99Ms } =
    cell;
  const numbers = [ratio, runsPerSecond, addedMs, startP50Ms, startP99Ms, pollP50Ms, pollP99Ms];
  return [pipeline, String(width), ...numbers.map(short)];
}

const head = ['run', 'at once', '÷ bare', 'runs/s', 'added ms', 'start p50', 'p99', 'poll p50', 'p99'];

const barely = { workers: { count: 1, slots: 8 }, privacy: { mode: 'off' } };

async function measureBarely() {
  const fleet = await startBenchFleet('best_effort', barely);
  try {
    const lost = await noneLost(fleet, lossRuns);
    const cells = await measureLoads(fleet);
    return { lost, cells, bridge: await bridgeRatio(fleet), firstMs: await firstOutput(fleet) };
  } finally {
    await fleet.close();
  }
}

async function measureDefault() {
  const fleet = await startBenchFleet('auto');
  try {
    const quiet = await idle(fleet);
    await noneLost(fleet, warmUpRuns);
    return { quiet, cells: await measureLoads(fleet) };
  } finally {
    await fleet.close();
  }
}

async function measureLoads(fleet: BenchFleet): Promise<(Cell & { wrong: number })[]> {
  const cells = [];
  for (const load of loads) cells.push(await measure(fleet, load));
  return cells;
}

/**
 * Trivial runs through bridge, coordinator and worker, everything persisted and hashed, in a fleet that
 * is warm, against bare `child_process.spawn` of the same argv in the same minute: first by one worker
 * without namespaces, sandbox and privacy guard, then with all of them, in the default configuration.
 */
export async function run(): Promise<{ table: string; pass: boolean; figures: Record<string, number> }> {
  const group = await measureBarely();
  const standard = await measureDefault();
  const find = (cells: Cell[], pipeline: string, width: number): Cell | undefined =>
    cells.find((cell) => cell.pipeline === pipeline && cell.width === width);
  const figures = {
    echo_ratio_8: find(group.cells, 'echo', 8)?.ratio ?? Number.NaN,
    node_ratio_8: find(group.cells, 'node', 8)?.ratio ?? Number.NaN,
    added_ms_sequential: find(group.cells, 'echo', 1)?.addedMs ?? Number.NaN,
    added_ms_default: find(standard.cells, 'echo', 1)?.addedMs ?? Number.NaN,
    start_p99_ms_32: find(group.cells, 'echo', 32)?.startP99Ms ?? Number.NaN,
    first_output_ms: group.firstMs,
    lost_or_mixed: group.lost + group.cells.reduce((sum, { wrong }) => sum + wrong, 0),
    bridge_ratio: group.bridge,
    coordinator_idle_mb: standard.quiet.coordinatorMb,
    worker_idle_mb: standard.quiet.workerMb,
    idle_cpu_ms_per_s: standard.quiet.cpuMsPerSecond,
  };
  const pass =
    figures.echo_ratio_8 >= 0.5 &&
    figures.node_ratio_8 >= 0.92 &&
    figures.added_ms_sequential <= 5 &&
    figures.added_ms_default <= 20 &&
    figures.start_p99_ms_32 <= 50 &&
    figures.first_output_ms <= 60 &&
    figures.lost_or_mixed === 0 &&
    figures.bridge_ratio <= 3 &&
    figures.coordinator_idle_mb <= 90 &&
    figures.worker_idle_mb <= 75 &&
    figures.idle_cpu_ms_per_s <= 1;
  const table = [
    'One worker, process groups only, no sandbox, private values not replaced:',
    columns([head, ...group.cells.map(row)]),
    '',
    'Default configuration, two workers:',
    columns([head, ...standard.cells.map(row)]),
    '',
    columns(Object.entries(figures).map(([name, value]) => [name, short(value)])),
  ].join('\n');
  return { table, pass, figures };
}
