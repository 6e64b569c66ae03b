import { describe, expect, it } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

const short = { load: 0.5, memory_free: 0.08 };
const fine = { load: 0.5, memory_free: 0.6 };

async function pressed(config: Record<string, unknown> = {}): Promise<FakeFleet> {
  const fleet = await fakeFleet({ slots: [4], config });
  await allUp(fleet);
  for (const worker of fleet.workers) worker.host = short;
  await fleet.parts.leases.check();
  return fleet;
}

async function statuses(fleet: FakeFleet, ids: readonly string[]): Promise<string[]> {
  return Promise.all(ids.map(async (id) => (await fleet.run(id)).status));
}

describe('a worker whose host is short of memory', () => {
  it('gets runs for half of its slots, says why, and all again after the check that finds it well', async () => {
    const fleet = await pressed();
    const [worker] = fleet.workers;
    const ids = await fleet.start(4);
    expect(await statuses(fleet, ids)).toEqual(['running', 'running', 'pending', 'pending']);
    const list = async () => fleet.tools.list_workers({}, fleet.call);
    expect((await list()).workers).toMatchObject([{ slots: 4, busy: 2, reason: 'host short of memory' }]);

    for (const id of ids.slice(0, 2))
      await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    worker?.complete(worker.byKey(attemptKey(ids[0] ?? '', 1)));
    await fleet.until(ids[2] ?? '', (run) => run.status === 'running');
    expect((await fleet.run(ids[3] ?? '')).status).toBe('pending');

    if (worker !== undefined) worker.host = fine;
    await fleet.parts.leases.check();
    await fleet.until(ids[3] ?? '', (run) => run.status === 'running');
    expect((await list()).workers[0]).not.toHaveProperty('reason');
  });

  it('takes back nothing it runs already', async () => {
    const fleet = await fakeFleet({ slots: [4] });
    await allUp(fleet);
    const ids = await fleet.start(4);
    for (const worker of fleet.workers) worker.host = { ...short, memory_free: 0.01 };
    await fleet.parts.leases.check();
    expect(await statuses(fleet, ids)).toEqual(['running', 'running', 'running', 'running']);
    const { workers } = await fleet.tools.list_workers({}, fleet.call);
    expect(workers).toMatchObject([{ slots: 4, busy: 4 }]);
  });

  it('gets all the same where hosts are not heeded', async () => {
    const fleet = await pressed({ scheduling: { heed_hosts: false } });
    expect(await statuses(fleet, await fleet.start(4))).not.toContain('pending');
    expect((await fleet.tools.list_workers({}, fleet.call)).workers[0]).not.toHaveProperty('reason');
  });
});
