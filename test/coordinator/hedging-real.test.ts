import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { pollToEnd, realFleet } from './real-fleet.ts';

const script = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'bin', 'slow-on.mjs');
/** So long that a hedge is three times as early also where every start takes seconds. */
const slowMs = 10_000;
const runs = 24;

/** The longest of the runs, from its start to its end, and how many began twice. */
async function longest(hedgeBudget: number): Promise<{ ms: number; hedged: number }> {
  const argv = [process.execPath, script, 'local-1', String(slowMs)];
  const work = { read_only: true, stages: [{ name: 'work', engine: 'command', argv }] };
  const real = await realFleet({
    workers: { count: 4, slots: 1 },
    scheduling: { hedge_budget: hedgeBudget },
    pipelines: { work },
  });
  onTestFinished(() => real.close());
  const peer = await real.up();
  for (let at = 0; at < runs; at++) {
    await peer.call('start_run', { task_id: 't', pipeline: 'work', cwd: real.fleet.work, runs: [{}] });
    // Two of four slots are in use on average.
    await delay(100);
  }
  const ended = await pollToEnd(peer, 't');
  expect(ended.map(({ status }) => status)).toEqual(Array.from({ length: runs }, () => 'completed'));
  const times = ended.map((run) => (run.duration_ms ?? NaN) + (run.queued_ms ?? 0));
  return { ms: Math.max(...times), hedged: ended.filter(({ attempt }) => attempt === 2).length };
}

it('ends the longest of 24 runs three times as early where one of four workers is slow', async () => {
  const without = await longest(0);
  const hedging = await longest(0.05);
  process.stderr.write(`longest of ${String(runs)}: ${JSON.stringify({ without, hedging })}\n`);
  expect(without.ms).toBeGreaterThanOrEqual(slowMs);
  expect(without.hedged).toBe(0);
  expect(hedging.hedged).toBeGreaterThan(0);
  expect(without.ms / hedging.ms).toBeGreaterThanOrEqual(3);
}, 120_000);
