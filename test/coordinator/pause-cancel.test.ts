import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Peer } from '../../mcp/client.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import { eventually, newMarker, processesWith, ticksOf } from '../helpers/processes.ts';
import { pollToEnd, realFleet, type RealFleet } from './real-fleet.ts';

const fixtures = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'bin');
const inputs = { marker: { type: 'string', required: true } };
/** TERM is ignored by all of them; one has a session of its own, one has lost its parent too. */
const stubborn =
  "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep $0' $0 & (setsid sleep $0 &) ; sleep $0; sleep $0";

let real: RealFleet;
let peer: Peer<FleetContracts>;
beforeEach(async () => {
  const command = (argv: string[]) => ({
    read_only: true,
    inputs,
    stages: [{ name: 'work', engine: 'command', argv }],
  });
  real = await realFleet({
    commands: [
      { argv: [process.execPath, '...'], trust_arguments: true },
      { argv: ['/bin/sh', '...'], trust_arguments: true },
    ],
    pipelines: {
      spin: command([process.execPath, join(fixtures, 'spin.mjs'), '${inputs.marker}', 'orphan']),
      stubborn: command(['/bin/sh', '-c', stubborn, '${inputs.marker}']),
    },
  });
  peer = await real.up();
}, 60_000);
afterEach(async () => {
  await real.close();
}, 30_000);

async function start(pipeline: string, taskId: string): Promise<{ run_id: string; marker: string }> {
  const marker = newMarker();
  const input = { pipeline, inputs: { marker }, cwd: real.fleet.work, task_id: taskId };
  const { runs } = await peer.call('start_run', input);
  return { run_id: runs[0]?.run_id ?? '', marker };
}

describe('pause_run', () => {
  it('leaves the whole tree of a command without a tick of processor time, and it goes on', async () => {
    const { run_id, marker } = await start('spin', 'spin');
    await eventually(() => processesWith(marker).length >= 2 && ticksOf(marker) > 20, 15_000);
    const begun = performance.now();
    expect(await peer.call('pause_run', { run_id })).toMatchObject({ status: 'paused', how: 'stopped' });
    const pausedMs = performance.now() - begun;
    expect(pausedMs).toBeLessThan(1_000);
    const halted = ticksOf(marker);
    await delay(1_000);
    expect(ticksOf(marker)).toBe(halted);
    expect(processesWith(marker).length).toBeGreaterThanOrEqual(2);
    await peer.call('resume_run', { run_id });
    await eventually(() => ticksOf(marker) > halted + 5, 15_000);
    process.stderr.write(`pause: ${String(Math.round(pausedMs))} ms, then 0 ticks in 1 s\n`);
  }, 60_000);
});

describe('cancel_run', () => {
  it.each(['run', 'paused run', 'task'] as const)(
    'leaves nothing of a %s that takes no hint within 3 s, and twice is once',
    async (what) => {
      const { run_id, marker } = await start('stubborn', 'stub');
      await eventually(() => processesWith(marker).length >= 4, 15_000);
      if (what === 'paused run') await peer.call('pause_run', { run_id });
      const asked = what === 'task' ? { task_id: 'stub' } : { run_ids: [run_id] };
      const begun = performance.now();
      const cancelled = peer.call('cancel_run', asked);
      await eventually(() => processesWith(marker).length === 0, 3_000);
      process.stderr.write(`cancel of a ${what}: ${String(Math.round(performance.now() - begun))} ms\n`);
      await cancelled;
      expect(await pollToEnd(peer, 'stub')).toMatchObject([{ status: 'cancelled', outcome: 'cancelled' }]);
      expect((await peer.call('cancel_run', { run_ids: [run_id] })).runs).toEqual([
        { run_id, status: 'cancelled' },
      ]);
    },
    60_000,
  );
});
