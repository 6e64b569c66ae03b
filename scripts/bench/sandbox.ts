import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { layerState } from '../../schemas/sandbox.ts';
import type { Bench } from '../bench.ts';
import { codexBinary } from '../../test/helpers/codex-parent.ts';
import { measureWholeFleet, told as fleetSettings } from './sandbox/whole-fleet.ts';
import { columns, median, quantile, short } from './statistics.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 40);
const program = join(import.meta.dirname, 'sandbox', 'measure-starts.ts');

/** Nobody's, on every Linux. */
const otherUser = 65_534;

const measured = z.object({
  states: z.array(layerState),
  times: z.record(z.string(), z.array(z.number())),
});
type Measured = z.infer<typeof measured>;

/** Highest times a plain start, and highest ms, of the median start. */
const targets: Readonly<Record<string, number>> = { default: 7, strict: 8 };
const targetMs = 15;
const mostAddedMs = 20;
const leastMbPerSecond = 80;

/**
 * What it costs to start a command in each profile, and in Codex's own sandbox, against a plain spawn in the
 * same rounds; and what a whole fleet adds to a run, and takes in, with the profile `default` and the guard on.
 */
export async function run(): Promise<Bench> {
  const isRoot = process.geteuid?.() === 0;
  const users = isRoot ? [undefined, otherUser] : [undefined];
  const rows: string[][] = [['user', 'profile', 'p50 ms', 'p95 ms', 'times plain', 'target']];
  const figures: Record<string, unknown> = { rounds };
  const codex = findCodex();
  let pass = true;
  for (const uid of users) {
    const user = uid === undefined ? (isRoot ? 'root' : 'user') : `uid ${String(uid)}`;
    const { states, times } = await measureAs(uid, codex);
    const missing = states.filter(({ state }) => state !== 'enforced');
    const plainMs = median(times['plain'] ?? []);
    for (const [kind, found] of Object.entries(times)) {
      const [p50, ratio] = [median(found), median(found) / plainMs];
      const target = targets[kind];
      const met = target === undefined || (ratio <= target && p50 <= targetMs);
      pass &&= met;
      const told = target === undefined ? '' : verdict(met, `≤ ${String(target)}, ≤ ${String(targetMs)} ms`);
      rows.push([user, kind, short(p50), short(quantile(found, 0.95)), short(ratio), told]);
      figures[`${user} ${kind}`] = { p50_ms: p50, ratio };
    }
    if (codex === '') rows.push([user, 'codex sandbox', '', '', '', 'not installed: npm run test:clients']);
    pass &&= missing.length === 0;
    for (const { layer, why } of missing) rows.push([user, layer, '', '', '', `missing: ${why ?? ''}`]);
  }
  const { addedMs, cleanMbPerSecond } = await measureWholeFleet();
  figures['fleet'] = { added_ms: addedMs, clean_mb_per_s: cleanMbPerSecond };
  const fleet = [
    [`a whole fleet, ${fleetSettings}`, 'figure', 'target'],
    [
      'added to a run, p50',
      `${short(addedMs)} ms`,
      verdict(addedMs <= mostAddedMs, `≤ ${String(mostAddedMs)} ms`),
    ],
    [
      'clean output taken in',
      `${short(cleanMbPerSecond)} MB/s`,
      verdict(cleanMbPerSecond >= leastMbPerSecond, `≥ ${String(leastMbPerSecond)} MB/s`),
    ],
  ];
  pass &&= addedMs <= mostAddedMs && cleanMbPerSecond >= leastMbPerSecond;
  return { table: `${columns(rows)}\n\n${columns(fleet)}`, pass, figures };
}

function verdict(isMet: boolean, target: string): string {
  return `${target}: ${isMet ? 'met' : 'MISSED'}`;
}

/** The real one of the client tests; empty where they are not installed. */
function findCodex(): string {
  try {
    return codexBinary();
  } catch {
    return '';
  }
}

async function measureAs(uid: number | undefined, codex: string): Promise<Measured> {
  const folder = await mkdtemp('/var/tmp/fleet-starts-');
  try {
    if (uid !== undefined) await chown(folder, uid, uid);
    const child = spawn(process.execPath, ['--import', 'tsx', program, folder, String(rounds), codex], {
      cwd: join(import.meta.dirname, '..', '..'),
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
      ...(uid !== undefined && { uid, gid: uid }),
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(child, 'close');
    return measured.parse(JSON.parse(said));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
