import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { config } from '../../../schemas/config.ts';
import { median } from '../statistics.ts';
import type { BenchWorker } from './bench-worker.ts';
import type { Contents } from './contents.ts';
import type { Row } from './row.ts';

/**
 * How output is measured. In each round `cat` prints the same files of log lines, 1 GiB, through the same
 * kind of pipe: into a file by pieces as they come (bare-pipe.mjs), into a handle of a real store (ingest.mjs:
 * the worker's own runner, line index, sha256, sealed as a blob; no guard, no preview), into a worker as it
 * is by default, and into that worker by 32 commands at once. Bare and ours take turns at being first. The
 * files are real ones, each new; none of them is there when the next is written.
 *
 * Memory: before each of the four, as many bytes are written to a file that is then removed, and the files
 * of the one before are removed first. A virtual machine may have given its free memory back to its host,
 * and then the first use of every page costs several times the copy into it: whoever came first would pay.
 *
 * Processor time is user and system time of all threads of the process that reads the pipe: getrusage(2) of
 * the two scripts, `/proc/<pid>/stat` of the worker, from before the command starts to the sealed handle. The
 * command's own is in none. Absolute figures are those of the best round, as others use the machine, too;
 * those of ours beside another are the median of the rounds' ratios.
 */
export async function throughput(
  worker: BenchWorker,
  contents: Contents,
  root: string,
  megabytes: number,
): Promise<Row[]> {
  const bytes = times * megabytes * 2 ** 20;
  const cat = (): string[] => ['/bin/cat', contents.stamp(), ...many(times, contents.lines)];
  const script = async (name: URL): Promise<Cost> => {
    const dir = await mkdtemp(join(root, 'ingest-'));
    await warmMemory(dir, bytes);
    const cost: Cost = JSON.parse(await node(name, name === barePipe ? join(dir, 'bare') : dir, ...cat()));
    await rm(dir, { recursive: true });
    return cost;
  };
  const whole = async (work: () => Promise<number>): Promise<Cost> => {
    await warmMemory(root, bytes);
    const cost = await measured(worker, work);
    await worker.forget();
    return cost;
  };
  const found: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const first = await script(round % 2 === 0 ? barePipe : ingest);
    const second = await script(round % 2 === 0 ? ingest : barePipe);
    const [bare, handle] = round % 2 === 0 ? [first, second] : [second, first];
    const one = await whole(async () => (await worker.print(...cat())).bytes);
    found.push({ bare, handle, one, all: await whole(() => atOnce(worker, contents)) });
  }
  return rows(found);
}

/** A large output is this many times the file. */
export const times = 16;
const rounds = 4;
const streams = 32;

const barePipe = new URL('bare-pipe.mjs', import.meta.url);
const ingest = new URL('ingest.mjs', import.meta.url);
const warm = new URL('warm-memory.mjs', import.meta.url);

interface Cost {
  bytes: number;
  ms: number;
  cpuMs: number;
}

type Round = Record<'bare' | 'handle' | 'one' | 'all', Cost>;

/** MB/s. */
export const speed = ({ bytes, ms }: Cost): number => bytes / 1e6 / (ms / 1e3);
const cost = ({ bytes, cpuMs }: Cost): number => cpuMs / (bytes / 1e6);

function rows(found: readonly Round[]): Row[] {
  const fastest = (name: keyof Round): number => Math.max(...found.map((round) => speed(round[name])));
  const cheapest = (name: keyof Round): number => Math.min(...found.map((round) => cost(round[name])));
  const beside = (name: keyof Round, other: keyof Round): number =>
    median(found.map((round) => speed(round[name]) / speed(round[other])));
  const time = (name: keyof Round, bound?: Row['bound']): Row => {
    const row = { what: 'its processor time', figure: cheapest(name), unit: 'ms/MB' };
    return bound === undefined ? row : { ...row, bound };
  };
  const ratio = (what: string, figure: number, least: number): Row => {
    return { what, figure, unit: '×', bound: { least } };
  };
  const handle = 'the same into a handle: line index and sha256, guard off';
  const byDefault = `a worker as it is by default, with previews, guard ${guardMode()}`;
  return [
    { what: 'bare pipe to a file', figure: fastest('bare'), unit: 'MB/s' },
    time('bare'),
    { what: handle, figure: fastest('handle'), unit: 'MB/s', bound: { least: 400 } },
    ratio('beside the bare pipe of its round, median', beside('handle', 'bare'), 0.6),
    time('handle', { most: 2 }),
    { what: byDefault, figure: fastest('one'), unit: 'MB/s' },
    time('one'),
    { what: `${String(streams)} streams at once, in all`, figure: fastest('all'), unit: 'MB/s' },
    time('all'),
    ratio('beside one stream of its round, median', beside('all', 'one'), 0.8),
  ];
}

function guardMode(): string {
  return config.parse({}).privacy.mode;
}

export async function measured(worker: BenchWorker, work: () => Promise<number>): Promise<Cost> {
  const [cpuMs, begun] = [worker.cpuMs(), performance.now()];
  const bytes = await work();
  return { bytes, ms: performance.now() - begun, cpuMs: worker.cpuMs() - cpuMs };
}

/** See above. */
export async function warmMemory(dir: string, bytes: number): Promise<void> {
  await node(warm, join(dir, 'warm'), String(bytes));
}

/** In a process of its own. */
async function node(script: URL, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [fileURLToPath(script), ...args])).stdout;
}

/** As many bytes as one stream, over all of them. */
async function atOnce(worker: BenchWorker, contents: Contents): Promise<number> {
  const printed = await Promise.all(
    many(streams, contents.halfOfLines).map((file) => worker.print('/bin/cat', contents.stamp(), file)),
  );
  return printed.reduce((sum, { bytes }) => sum + bytes, 0);
}

export function many(count: number, file: string): string[] {
  return Array.from({ length: count }, () => file);
}
