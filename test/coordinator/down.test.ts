import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Peer } from '../../mcp/client.ts';
import { stillRuns } from '../../platform/process-identity.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import { eventually } from '../helpers/processes.ts';
import { pollToEnd, realFleet, type RealFleet } from './real-fleet.ts';

interface Busy {
  real: RealFleet;
  counter: string;
  gate: string;
}

/** Two slots, both taken by runs that wait for a gate, and one run that waits for a slot. */
async function busyFleet(pipeline: 'wait' | 'change'): Promise<Busy> {
  const real = await realFleet({ workers: { count: 2, slots: 1 } });
  onTestFinished(() => real.close());
  const peer = await real.up();
  const [counter, gate] = [join(real.fleet.work, 'count'), join(real.fleet.work, 'gate')];
  const runs = Array.from({ length: 3 }, () => ({ inputs: { counter, gate } }));
  const place = { cwd: real.fleet.work, shared_workspace: true };
  await peer.call('start_run', { pipeline, task_id: 'down', runs, ...place });
  await eventually(() => begun(counter) === 2, 15_000);
  return { real, counter, gate };
}

function begun(counter: string): number {
  return existsSync(counter) ? readFileSync(counter, 'utf8').trim().split('\n').length : 0;
}

async function outcomes(peer: Peer<FleetContracts>): Promise<string[]> {
  const runs = await pollToEnd(peer, 'down');
  return runs.map(({ status, outcome }) => `${status} ${outcome ?? ''}`).toSorted();
}

describe('down', () => {
  it('repeats what it interrupted where that only reads', { timeout: 60_000 }, async () => {
    const { real, counter, gate } = await busyFleet('wait');
    expect((await real.fleet.cli('down')).code).toBe(0);
    writeFileSync(gate, '');
    expect(await outcomes(await real.up())).toEqual(Array(3).fill('completed exit 0'));
    expect(begun(counter)).toBe(5);
  });

  it('keeps what waits, and interrupts what runs', { timeout: 60_000 }, async () => {
    const { real, counter, gate } = await busyFleet('change');
    expect((await real.fleet.cli('down')).code).toBe(0);
    expect(real.processes()).toEqual([]);
    writeFileSync(gate, '');
    expect(await outcomes(await real.up())).toEqual(['completed exit 0', 'failed lost', 'failed lost']);
    expect(begun(counter)).toBe(3);
  });

  it('--cancel ends what waits as well as what runs', { timeout: 60_000 }, async () => {
    const { real, counter, gate } = await busyFleet('change');
    expect((await real.fleet.cli('down', '--cancel')).code).toBe(0);
    expect(real.processes()).toEqual([]);
    writeFileSync(gate, '');
    expect(await outcomes(await real.up())).toEqual(Array(3).fill('cancelled cancelled'));
    expect(begun(counter)).toBe(2);
  });

  it('--drain waits for what runs, and starts nothing that waits', { timeout: 60_000 }, async () => {
    const { real, counter, gate } = await busyFleet('change');
    const before = real.processes();
    let isDown = false;
    const down = real.fleet.cli('down', '--drain').then(({ code }) => {
      isDown = true;
      return code;
    });
    await eventually(() => existsSync(join(real.fleet.stateDir, 'down')), 5_000);
    // Longer than any other way to go down takes.
    await new Promise((resolve) => setTimeout(resolve, 5_500));
    expect([isDown, before.filter(stillRuns).length]).toEqual([false, 3]);
    writeFileSync(gate, '');
    expect(await down).toBe(0);
    expect(real.processes()).toEqual([]);
    expect(begun(counter)).toBe(2);
    expect(await outcomes(await real.up())).toEqual(Array(3).fill('completed exit 0'));
    expect(begun(counter)).toBe(3);
  });
});
