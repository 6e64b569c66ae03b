import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { config as configSchema } from '../../../schemas/config.ts';
import { startBenchFleet, type BenchFleet } from '../bench-fleet.ts';
import { startBenchWorker } from '../output/bench-worker.ts';
import { makeContents } from '../output/contents.ts';
import { many, measured, speed } from '../output/throughput.ts';
import { inParallel, median } from '../statistics.ts';

export interface WholeFleet {
  /** ms a run took longer than the bare spawn, by medians of runs that took turns. */
  addedMs: number;
  /** MB/s a worker takes in of lines without private values, the best of some rounds. */
  cleanMbPerSecond: number;
}

/** Whatever the configuration is without being told. */
const settings = { reaping: 'auto', sandbox: { profile: 'default' }, privacy: { mode: 'enforce' } } as const;
export const told = `sandbox ${settings.sandbox.profile}, guard ${configSchema.parse(settings).privacy.mode}`;

const warmUpRuns = 600;
const runs = 150;
const rounds = 3;
const megabytes = 64;
const filesPerOutput = 4;

/** What a run costs with the profile `default` and the privacy guard on, and what its output costs. */
export async function measureWholeFleet(): Promise<WholeFleet> {
  return { addedMs: await addedMs(), cleanMbPerSecond: await cleanOutput() };
}

async function addedMs(): Promise<number> {
  const { reaping, ...rest } = settings;
  const fleet = await startBenchFleet(reaping, rest);
  try {
    await inParallel(warmUpRuns, 8, (index) => whole(fleet, index));
    const [bareMs, wholeMs]: [number[], number[]] = [[], []];
    for (let index = 0; index < runs; index += 1) {
      bareMs.push(await timed(() => bare(fleet.work, index)));
      wholeMs.push(await timed(() => whole(fleet, index)));
    }
    return median(wholeMs) - median(bareMs);
  } finally {
    await fleet.close();
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

async function bare(cwd: string, index: number): Promise<void> {
  const child = spawn('/bin/echo', [`n${String(index)}`], {
    cwd,
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.resume();
  child.stderr.resume();
  await once(child, 'close');
}

async function whole(fleet: BenchFleet, index: number): Promise<void> {
  const inputs = { n: `n${String(index)}` };
  const started: { runs?: { run_id: string }[] } = await fleet.client.call('start_run', {
    pipeline: 'echo',
    cwd: fleet.work,
    inputs,
    task_id: 'bench',
  });
  const run_ids = [started.runs?.[0]?.run_id ?? ''];
  const polled: { runs?: { preview?: string }[] } = await fleet.client.call('poll_run', {
    run_ids,
    until: 'all',
    wait_ms: 25_000,
  });
  if (polled.runs?.[0]?.preview?.includes(inputs.n) !== true) throw new Error(JSON.stringify(polled));
}

/** In /var/tmp: a confined command has a /tmp of its own. */
async function cleanOutput(): Promise<number> {
  const root = await mkdtemp('/var/tmp/fleet-output-');
  try {
    const contents = makeContents(root, megabytes);
    const worker = await startBenchWorker(root, settings);
    try {
      const found: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const argv = ['/bin/cat', contents.stamp(), ...many(filesPerOutput, join(root, 'lines'))];
        found.push(speed(await measured(worker, () => worker.print(...argv).then(({ bytes }) => bytes))));
        await worker.forget();
      }
      return Math.max(...found);
    } finally {
      await worker.close();
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
