import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { killWriter, type KillFound } from './output/kill-writer.ts';
import { columns, quantile } from './statistics.ts';

const kills = Number(process.env['BENCH_KILLS'] ?? 200);
const atOnce = 2;
const mostBytes = 4_000_000;

/** Kills a process that stores an output, at random byte positions, and judges what the next one finds. */
export async function run(): Promise<Bench> {
  const root = await mkdtemp(join(tmpdir(), 'fleet-kills-'));
  const found: KillFound[] = [];
  try {
    let left = kills;
    const killSome = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        // As many among the first bytes, which lie in the journal, as among the last.
        const position = Math.floor(mostBytes ** Math.random());
        const dir = join(root, String(left));
        found.push(await killWriter(dir, position));
        await rm(dir, { recursive: true });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, killSome));
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  const faults = found.flatMap(({ faults }) => faults);
  const lengths = found.map(({ bytes }) => bytes);
  const figures = {
    kills: found.length,
    invalid: found.filter((one) => one.faults.length > 0).length,
    least_bytes: Math.min(...lengths),
    median_bytes: quantile(lengths, 0.5),
    most_bytes: Math.max(...lengths),
    lines_compared: found.reduce((sum, { compared }) => sum + compared, 0),
  };
  const rows = Object.entries(figures).map(([name, value]) => [name.replaceAll('_', ' '), String(value)]);
  const pass = found.length === kills && faults.length === 0;
  return { table: [columns(rows), ...faults].join('\n'), pass, figures };
}
