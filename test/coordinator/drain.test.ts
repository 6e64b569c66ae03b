import { describe, expect, it } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { operatorHandlers } from '../../coordinator/operator.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

const drainWorker = (fleet: FakeFleet, worker_id: string, drained = true) =>
  operatorHandlers(fleet.parts, 'local')['codex-fleet/drain_worker']({ worker_id, drained });

const begun = (fleet: FakeFleet, id: string) =>
  fleet.until(id, (run) => run.attempts.at(-1)?.remote_run_id !== undefined);

async function states(fleet: FakeFleet): Promise<string[]> {
  return (await fleet.tools.list_workers({}, fleet.call)).workers.map(({ state }) => state);
}

describe('a drained worker', () => {
  it('finishes what it has, takes nothing new, and takes runs again once it is told to', async () => {
    const fleet = await fakeFleet({ slots: [2, 1] });
    await allUp(fleet);
    const [first = ''] = await fleet.start(1);
    await begun(fleet, first);
    expect((await fleet.run(first)).attempts[0]?.placement.worker_id).toBe('local-1');
    expect(await drainWorker(fleet, 'local-1')).toEqual({
      worker_id: 'local-1',
      drained: true,
      open: 1,
      resting: 0,
    });
    expect(await states(fleet)).toEqual(['draining', 'up']);

    const [second = '', third = ''] = await fleet.start(2);
    await begun(fleet, second);
    const { attempts } = await fleet.run(second);
    expect(attempts[0]?.placement).toMatchObject({ worker_id: 'local-2', rejected: { draining: 1 } });
    const [one] = fleet.workers;
    one?.complete(one.byKey(attemptKey(first, 1)));
    await fleet.ended(first);
    await fleet.parts.leases.check();
    expect((await fleet.run(third)).status).toBe('pending');
    expect(await drainWorker(fleet, 'local-1')).toMatchObject({ open: 0 });

    expect(await drainWorker(fleet, 'local-1', false)).toMatchObject({ drained: false });
    await begun(fleet, third);
    expect((await fleet.run(third)).attempts[0]?.placement.worker_id).toBe('local-1');
    expect(await states(fleet)).toEqual(['up', 'up']);
  });

  it('stays drained under the next coordinator', async () => {
    const fleet = await fakeFleet({ slots: [2, 2] });
    await allUp(fleet);
    await drainWorker(fleet, 'local-2');
    const after = await fleet.again();
    await allUp(after);
    expect(await states(after)).toEqual(['up', 'draining']);
    const ids = await after.start(3);
    await begun(after, ids[1] ?? '');
    await after.parts.leases.check();
    const workers = await Promise.all(
      ids.map(async (id) => (await after.run(id)).attempts[0]?.placement.worker_id),
    );
    expect(workers).toEqual(['local-1', 'local-1', undefined]);
  });

  it('goes on with the threads it holds', async () => {
    const fleet = await fakeFleet({ slots: [1, 1] });
    await allUp(fleet);
    const [id = ''] = await fleet.start(1);
    await begun(fleet, id);
    await drainWorker(fleet, 'local-1');
    const [one] = fleet.workers;
    await one?.die(() => ({ status: 'paused', outcome: { kind: 'lost', resumable: true } }));
    await fleet.until(id, (run) => run.attempts.length === 2 && run.status === 'running');
    expect((await fleet.run(id)).attempts[1]?.placement.worker_id).toBe('local-1');
  });

  it('is one there is', async () => {
    const fleet = await fakeFleet({ slots: [1] });
    await expect(drainWorker(fleet, 'local-9')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a run its worker put away', () => {
  it('goes on however often that happens, and still has all its tries', async () => {
    const fleet = await fakeFleet({ slots: [1] });
    await allUp(fleet);
    const [id = ''] = await fleet.start(1);
    const [worker] = fleet.workers;
    const goneOn = (attempts: number) =>
      fleet.until(
        id,
        (run) => run.attempts.length === attempts && run.attempts.at(-1)?.remote_run_id !== undefined,
      );
    await goneOn(1);
    for (let times = 1; times <= 3; times += 1) {
      await worker?.die(() => ({
        status: 'paused',
        outcome: { kind: 'lost', resumable: true, orderly: true },
      }));
      await goneOn(times + 1);
    }
    const lost = () => worker?.die(() => ({ status: 'paused', outcome: { kind: 'lost', resumable: true } }));
    await lost();
    await goneOn(5);
    await lost();
    const run = await fleet.ended(id);
    expect(run).toMatchObject({
      status: 'failed',
      outcome: { kind: 'lost' },
      error: '2 workers died under it.',
    });
    expect(run.attempts).toHaveLength(5);
  }, 20_000);
});
