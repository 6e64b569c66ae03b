import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { startBenchWorker, type BenchWorker } from './output/bench-worker.ts';
import { makeContents, type Contents } from './output/contents.ts';
import type { Row } from './output/row.ts';
import { many, measured, speed, throughput, times, warmMemory } from './output/throughput.ts';
import { columns, quantile, short } from './statistics.ts';

const megabytes = Number(process.env['BENCH_MB'] ?? 64);
const ticks = 400;

/**
 * What it costs to take in, keep and hash what commands print: a real worker beside a bare pipe to a file.
 * How throughput is measured, and why so, is said in output/throughput.ts.
 */
export async function run(): Promise<Bench> {
  const root = await mkdtemp(join(tmpdir(), 'fleet-output-'));
  try {
    const contents = makeContents(root, megabytes);
    const worker = await startBenchWorker(root, { output: { compress_after_ms: 0 } });
    try {
      const rows = [
        ...(await throughput(worker, contents, root, megabytes)),
        ...(await extremes(worker, contents, root)),
        ...(await delays(worker, contents)),
        {
          what: 'most memory of the worker, throughout',
          figure: worker.peakMb(),
          unit: 'MB',
          bound: { most: 150 },
        },
        { ...(await storage(worker, 'stored for a byte of output')), bound: { most: 1.02 } },
      ];
      const cold = [await coldStorage(root, contents)];
      return { table: table([...rows, ...cold]), pass: rows.every(isMet), figures: [...rows, ...cold] };
    } finally {
      await worker.close();
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Outputs of one line, and of nothing but lines. */
async function extremes(worker: BenchWorker, contents: Contents, root: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [what, file] of [
    ['one line', contents.oneLine],
    ['empty lines', contents.emptyLines],
  ] as const) {
    const argv = ['/bin/cat', contents.stamp(), ...many(times, file)];
    await warmMemory(root, times * megabytes * 2 ** 20);
    const found = await measured(worker, () => worker.print(...argv).then(({ bytes }) => bytes));
    rows.push({ what: `${short(found.bytes / 2 ** 20)} MiB of ${what}`, figure: speed(found), unit: 'MB/s' });
  }
  return rows;
}

/** From a line written by the child to its arrival by read_handle, alone and beside a stream at full speed. */
async function delays(worker: BenchWorker, contents: Contents): Promise<Row[]> {
  const alone = await ticking(worker);
  const flood = worker.print('/bin/cat', contents.stamp(), ...many(times + 2, contents.lines));
  const beside = await ticking(worker);
  await flood;
  const row = (what: string, found: number[]): Row => {
    return { what, figure: quantile(found, 0.99), unit: 'ms', bound: { most: 50 } };
  };
  return [row('written to readable, p99', alone), row('the same beside a stream at full speed', beside)];
}

async function ticking(worker: BenchWorker): Promise<number[]> {
  const script = fileURLToPath(new URL('output/tick.mjs', import.meta.url));
  const run = await worker.begin(process.execPath, script, String(ticks));
  let handle: string | undefined;
  while (handle === undefined) {
    const { runs } = await worker.peer.call('poll_run', { run_ids: [run] });
    handle = runs[0]?.handles?.[0]?.handle_id;
  }
  const found: number[] = [];
  for (let from = 0; ;) {
    const page = await worker.peer.call('read_handle', {
      handle_id: handle,
      mode: 'bytes',
      from,
      wait_ms: 25_000,
    });
    const now = performance.timeOrigin + performance.now();
    for (const line of page.text.split('\n')) if (line !== '') found.push(now - Number(line));
    from = page.to_byte;
    if (page.sealed && from >= page.bytes) return found;
  }
}

/** What lies on disk for a byte of output, all that was printed here taken together. */
async function storage(worker: BenchWorker, what: string): Promise<Row> {
  const { stored, output } = await onDisk(worker);
  return { what, figure: stored / output, unit: '×' };
}

async function onDisk(worker: BenchWorker): Promise<{ files: number; stored: number; output: number }> {
  const files = new Map<number, number>();
  let output = 0;
  for (const folder of [
    join(worker.stateDir, 'workers', 'bench', 'handles'),
    join(worker.stateDir, 'blobs'),
  ]) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const found = entry.isFile()
        ? await stat(join(entry.parentPath, entry.name)).catch(() => undefined)
        : undefined;
      if (found === undefined) continue;
      files.set(found.ino, found.size);
      if (entry.name.startsWith('hdl_')) output += found.size;
    }
  }
  const stored = [...files.values()].reduce((sum, size) => sum + size, 0);
  return { files: files.size, stored, output };
}

/** Another worker, which compresses what it has as soon as it has nothing to do. */
async function coldStorage(root: string, contents: Contents): Promise<Row> {
  const worker = await startBenchWorker(join(root, 'cold'), { output: { compress_after_ms: 1 } });
  try {
    const { bytes } = await worker.print('/bin/cat', contents.stamp(), contents.lines);
    const what = 'the same of a log gone cold';
    for (let tries = 0; ; tries += 1) {
      const { files, stored } = await onDisk(worker);
      // Compressed, and what it was before is gone.
      if (stored < bytes || tries > 600) return { what, figure: stored / bytes, unit: '×' };
      if (files === 0) throw new Error('nothing was stored');
      await delay(100);
    }
  } finally {
    await worker.close();
  }
}

function isMet({ figure, bound }: Row): boolean {
  if (bound === undefined) return true;
  return 'most' in bound ? figure <= bound.most : figure >= bound.least;
}

function table(rows: Row[]): string {
  return columns([
    ['figure', '', '', 'wanted', ''],
    ...rows.map((row) => {
      const { bound } = row;
      const wanted =
        bound === undefined ? '' : 'most' in bound ? `≤ ${String(bound.most)}` : `≥ ${String(bound.least)}`;
      return [row.what, short(row.figure), row.unit, wanted, isMet(row) ? '' : 'short of it'];
    }),
  ]);
}
