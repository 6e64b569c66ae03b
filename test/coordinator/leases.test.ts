import { describe, expect, it, onTestFinished } from 'vitest';
import { FleetError } from '../../core/errors.ts';
import { heartbeatMs } from '../../coordinator/leases.ts';
import { leaseMs } from '../../coordinator/scheduler.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

const hourMs = 3_600_000;

/** A run whose worker has gone, and cannot be reached again. */
async function missedRun(): Promise<{ fleet: FakeFleet; id: string }> {
  const fleet = await fakeFleet();
  await allUp(fleet);
  const [id = ''] = await fleet.start(1, { pipeline: 'change' });
  await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
  await lose(fleet);
  return { fleet, id };
}

async function lose(fleet: FakeFleet): Promise<void> {
  const [worker] = fleet.workers;
  if (worker === undefined) throw new Error('no worker');
  worker.reachable = false;
  await worker.cut();
  await expect.poll(() => fleet.parts.fleet.get('local-1')?.failedTries).toBeGreaterThan(0);
  expect(fleet.parts.fleet.get('local-1')?.link).toBe(undefined);
}

/** What a timer does every heartbeat; both clocks go on. */
async function heartbeats(fleet: FakeFleet, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    fleet.clock.nowMs += heartbeatMs;
    fleet.clock.uptimeMs += heartbeatMs;
    await fleet.parts.leases.check();
  }
}

const wholeLease = leaseMs / heartbeatMs;

describe('a lease whose worker is out of reach', () => {
  it('stands for all of its time, and no longer', async () => {
    const { fleet, id } = await missedRun();
    await heartbeats(fleet, wholeLease);
    expect((await fleet.run(id)).status).toBe('running');
    await heartbeats(fleet, 1);
    expect(await fleet.run(id)).toMatchObject({ status: 'failed', outcome: { kind: 'lost' } });
  });

  it('outlasts the sleep of the machine, however often: the wall clock jumps, the uptime does not', async () => {
    const { fleet, id } = await missedRun();
    await heartbeats(fleet, 1);
    for (let n = 0; n < 5; n++) {
      fleet.clock.nowMs += 2 * hourMs;
      await fleet.parts.leases.check();
    }
    expect((await fleet.run(id)).status).toBe('running');
    await heartbeats(fleet, wholeLease);
    expect((await fleet.run(id)).status).toBe('failed');
  });

  it('outlasts a stop of the coordinator: the uptime jumps, and nothing was tried in that time', async () => {
    const { fleet, id } = await missedRun();
    await heartbeats(fleet, 1);
    fleet.clock.nowMs += 2 * hourMs;
    fleet.clock.uptimeMs += 2 * hourMs;
    await fleet.parts.leases.check();
    expect((await fleet.run(id)).status).toBe('running');
    await heartbeats(fleet, wholeLease);
    expect((await fleet.run(id)).status).toBe('failed');
  });

  it('outlasts the downtime of the coordinator, and the next one tries for a whole lease', async () => {
    const { fleet, id } = await missedRun();
    await heartbeats(fleet, wholeLease);
    const [worker] = fleet.workers;
    if (worker === undefined) return;
    const next = await fleet.again();
    next.clock.nowMs = fleet.clock.nowMs + 2 * hourMs;
    next.clock.uptimeMs = fleet.clock.uptimeMs + 2 * hourMs;
    await expect.poll(() => next.parts.fleet.get('local-1')?.failedTries).toBeGreaterThan(0);
    await next.parts.leases.check();
    expect((await next.run(id)).status).toBe('running');
    worker.reachable = true;
    await allUp(next);
    worker.complete([...worker.runs.values()][0]);
    expect(await next.ended(id)).toMatchObject({ status: 'completed', attempts: [{ attempt: 1 }] });
  });

  it('begins anew with each absence', async () => {
    const { fleet, id } = await missedRun();
    await heartbeats(fleet, wholeLease);
    const [worker] = fleet.workers;
    if (worker === undefined) return;
    worker.reachable = true;
    await allUp(fleet);
    await lose(fleet);
    fleet.clock.nowMs += hourMs;
    await heartbeats(fleet, wholeLease);
    expect((await fleet.run(id)).status).toBe('running');
  });

  it('does not run out before a try to reach it has failed', async () => {
    const fleet = await fakeFleet();
    await allUp(fleet);
    const [id = ''] = await fleet.start(1, { pipeline: 'change' });
    await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    const [worker] = fleet.workers;
    if (worker === undefined) return;
    // It takes connections and says nothing.
    let giveUp: (error: Error) => void = () => undefined;
    worker.connect = () => new Promise((_resolve, reject) => (giveUp = reject));
    onTestFinished(() => giveUp(new FleetError('WORKER_UNAVAILABLE', 'Nobody answers.')));
    await worker.cut();
    await expect.poll(() => fleet.parts.fleet.get('local-1')?.state).toBe('down');
    fleet.clock.nowMs += hourMs;
    await heartbeats(fleet, wholeLease + 3);
    expect((await fleet.run(id)).status).toBe('running');
  });
});
