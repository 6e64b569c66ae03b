import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { layerState } from '../../schemas/sandbox.ts';
import type { Bench } from '../bench.ts';
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

/** What it costs to start a command in each profile, against a plain spawn in the same rounds. */
export async function run(): Promise<Bench> {
  const isRoot = process.geteuid?.() === 0;
  const users = isRoot ? [undefined, otherUser] : [undefined];
  const rows: string[][] = [['user', 'profile', 'p50 ms', 'p95 ms', 'times plain', 'target']];
  const figures: Record<string, unknown> = { rounds };
  let pass = true;
  for (const uid of users) {
    const user = uid === undefined ? (isRoot ? 'root' : 'user') : `uid ${String(uid)}`;
    const { states, times } = await measureAs(uid);
    const missing = states.filter(({ state }) => state !== 'enforced');
    const plainMs = median(times['plain'] ?? []);
    for (const [kind, found] of Object.entries(times)) {
      const [p50, ratio] = [median(found), median(found) / plainMs];
      const target = targets[kind];
      const met = target === undefined || (ratio <= target && p50 <= targetMs);
      pass &&= met;
      const told =
        target === undefined
          ? ''
          : `≤ ${String(target)}, ≤ ${String(targetMs)} ms: ${met ? 'met' : 'MISSED'}`;
      rows.push([user, kind, short(p50), short(quantile(found, 0.95)), short(ratio), told]);
      figures[`${user} ${kind}`] = { p50_ms: p50, ratio };
    }
    pass &&= missing.length === 0;
    for (const { layer, why } of missing) rows.push([user, layer, '', '', '', `missing: ${why ?? ''}`]);
  }
  return { table: columns(rows), pass, figures };
}

async function measureAs(uid: number | undefined): Promise<Measured> {
  const folder = await mkdtemp('/var/tmp/fleet-starts-');
  try {
    if (uid !== undefined) await chown(folder, uid, uid);
    const child = spawn(process.execPath, ['--import', 'tsx', program, folder, String(rounds)], {
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
