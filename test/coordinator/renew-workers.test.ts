import { describe, expect, it } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { version } from '../../platform/version.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';
import { FakeWorker } from './fake-worker.ts';

interface Upgraded {
  fleet: FakeFleet;
  /** Of another version. */
  old: FakeWorker;
  standIn: FakeWorker;
  /** The run it had when this coordinator came. */
  id: string;
}

/** A coordinator that finds a worker of another version, with a run. */
async function upgraded(): Promise<Upgraded> {
  const [old, standIn] = [new FakeWorker('local-1', 2), new FakeWorker('local-2', 2)];
  const before = await fakeFleet({ workers: [old], more: [standIn] });
  await allUp(before);
  const [id = ''] = await before.start(1);
  await before.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
  await before.parts.fleet.letGo();
  expect(old.restarts).toBe(0);
  old.version = '0.0.1';
  const fleet = await before.again();
  await allUp(fleet);
  return { fleet, old, standIn, id };
}

async function workerOf(fleet: FakeFleet, runId: string): Promise<string | undefined> {
  const run = await fleet.until(runId, ({ attempts }) => attempts.at(-1)?.remote_run_id !== undefined);
  return run.attempts.at(-1)?.placement.worker_id;
}

async function rows(fleet: FakeFleet): Promise<string[][]> {
  const { workers } = await fleet.tools.list_workers({}, fleet.call);
  return workers.map(({ worker_id: id, state }) => [id, state]);
}

describe('a local worker of another version', () => {
  it('finishes what it has and takes nothing new; another stands in for it', async () => {
    const { fleet, old, id } = await upgraded();
    const started = await fleet.start(2);
    expect(await Promise.all(started.map((run) => workerOf(fleet, run)))).toEqual(['local-2', 'local-2']);
    expect(await rows(fleet)).toEqual([
      ['local-1', 'draining'],
      ['local-2', 'up'],
    ]);
    expect([old.started, old.restarts]).toEqual([[attemptKey(id, 1)], 0]);
    expect(await fleet.run(id)).toMatchObject({ status: 'running', attempts: [{ attempt: 1 }] });
  });

  it('is replaced once it has nothing left, and who stood in for it goes when it is done', async () => {
    const { fleet, old, standIn, id } = await upgraded();
    const [second = ''] = await fleet.start(1);
    await workerOf(fleet, second);
    old.complete(old.byKey(attemptKey(id, 1)));
    expect(await fleet.ended(id)).toMatchObject({ status: 'completed', attempts: [{ attempt: 1 }] });
    await expect
      .poll(() => rows(fleet))
      .toEqual([
        ['local-1', 'up'],
        ['local-2', 'draining'],
      ]);
    expect([old.restarts, old.version, standIn.restarts]).toEqual([1, version, 0]);
    const [third = ''] = await fleet.start(1);
    expect(await workerOf(fleet, third)).toBe('local-1');
    standIn.complete(standIn.byKey(attemptKey(second, 1)));
    expect(await fleet.ended(second)).toMatchObject({ status: 'completed' });
    await expect.poll(() => rows(fleet)).toEqual([['local-1', 'up']]);
    expect(standIn.restarts).toBe(1);
  });

  it('with nothing to do is replaced at once', async () => {
    const old = new FakeWorker('local-1', 1);
    old.version = '99.0.0';
    const fleet = await fakeFleet({ workers: [old] });
    await expect.poll(() => rows(fleet)).toEqual([['local-1', 'up']]);
    expect([old.restarts, old.version]).toEqual([1, version]);
    const [id = ''] = await fleet.start(1);
    expect(await workerOf(fleet, id)).toBe('local-1');
  });

  it('is not ended under a run that waits for an answer; a thread at rest goes on with the next', async () => {
    const { fleet, old, id } = await upgraded();
    const run = old.byKey(attemptKey(id, 1));
    old.tell(run, { status: 'input_required', slot: 'freed', question: { kind: 'command', text: 'x?' } });
    await fleet.until(id, ({ status }) => status === 'input_required');
    await fleet.parts.leases.check();
    expect(old.restarts).toBe(0);
    await fleet.tools.resume_run({ run_id: id, answer: 'accept' }, fleet.call);
    await fleet.tools.pause_run({ run_id: id }, fleet.call);
    await fleet.parts.leases.check();
    await expect.poll(() => old.restarts).toBe(1);
    await expect.poll(() => rows(fleet)).toEqual([['local-1', 'up']]);
    expect(await fleet.tools.resume_run({ run_id: id }, fleet.call)).toMatchObject({ status: 'running' });
    expect(await fleet.run(id)).toMatchObject({ status: 'running', attempts: [{ attempt: 1 }] });
  });
});
