import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunDetail } from '../../schemas/worker.ts';
import { createRetention } from '../../coordinator/retention/retention.ts';
import { createSteadyClock } from '../../coordinator/retention/steady-clock.ts';
import type { AskWorker } from '../../coordinator/retention/tell-workers.ts';
import { openBlobs } from '../../platform/blobs/blobs.ts';
import { attemptKey, runAndAttemptOf } from '../../coordinator/fleet/open-attempts.ts';
import { handleOf } from '../helpers/runs.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

const keepMs = 1_000;
/** Outputs beyond the quota are kept at least as long. */
const freshMs = 600_000;

async function fleetOf(output: Record<string, number> = {}, more: Record<string, unknown> = {}) {
  const fleet = await fakeFleet({ slots: [4], config: { output: { keep_ms: keepMs, ...output }, ...more } });
  await allUp(fleet);
  return fleet;
}

/** Ends a run on its worker, after which time goes on. */
async function end(fleet: FakeFleet, id: string, change: Partial<RunDetail> = {}): Promise<void> {
  await fleet.until(id, (run) => run.attempts.at(-1)?.remote_run_id !== undefined);
  const [worker] = fleet.workers;
  worker?.tell(worker.byKey(attemptKey(id, 1)), {
    status: 'completed',
    outcome: { kind: 'exit', code: 0 },
    ended_at: fleet.clock.nowMs,
    ...change,
  });
  await fleet.ended(id);
  fleet.clock.nowMs += 100;
}

async function endedRun(fleet: FakeFleet, more: Record<string, unknown> = {}, bytes = 10): Promise<string> {
  const [id = ''] = await fleet.start(1, more);
  const { worker_id: _, attempt: __, ...handle } = handleOf({ bytes, state: 'sealed', sha256: `of ${id}` });
  await end(fleet, id, { handles: [handle] });
  return id;
}

const kept = async (fleet: FakeFleet, ids: readonly string[]): Promise<boolean[]> =>
  Promise.all(ids.map(async (id) => (await fleet.store.get(id)) !== undefined));

describe('runs past their time', () => {
  it('are forgotten, here and by their workers, and a dry run only counts them', async () => {
    const fleet = await fleetOf();
    const old = await endedRun(fleet);
    fleet.clock.nowMs += keepMs;
    const young = await endedRun(fleet);
    const [open = ''] = await fleet.start(1);
    const counts = { runs: 1, handles: 1, bytes: 10, kept: 0, owed: 0 };
    expect(await fleet.parts.retention.collect(true)).toEqual({ ...counts, freed: { files: 1, bytes: 10 } });
    expect(await kept(fleet, [old, young, open])).toEqual([true, true, true]);

    expect(await fleet.parts.retention.collect(false)).toMatchObject(counts);
    expect(await kept(fleet, [old, young, open])).toEqual([false, true, true]);
    expect(fleet.workers[0]?.forgotten).toEqual([attemptKey(old, 1)]);
    await expect(fleet.tools.poll_run({ run_ids: [old] }, fleet.call)).rejects.toThrow(
      `There is no run ${old}.`,
    );
    expect(await fleet.parts.retention.collect(false)).toMatchObject({ runs: 0, owed: 0 });
  });

  it('take their request key with them, and only then', async () => {
    const fleet = await fleetOf();
    const once = async () => fleet.start(1, { request_key: 'k', runs: undefined });
    const [first = ''] = await once();
    await end(fleet, first);
    await fleet.parts.retention.collect(false);
    expect(await once()).toEqual([first]);
    fleet.clock.nowMs += keepMs;
    await fleet.parts.retention.collect(false);
    expect(await once()).not.toEqual([first]);
  });

  it('are kept while another run waits for them, or one of their group goes on', async () => {
    const fleet = await fleetOf();
    const awaited = await endedRun(fleet);
    const [one = '', other = ''] = await fleet.start(2);
    await end(fleet, one);
    const [gate = ''] = await fleet.start(1);
    const [waiting = ''] = await fleet.start(1, { after: [awaited, gate], runs: undefined });
    fleet.clock.nowMs += 2 * keepMs;
    expect(await fleet.parts.retention.collect(false)).toMatchObject({ runs: 0, kept: 2 });
    await end(fleet, other);
    await end(fleet, gate);
    await end(fleet, waiting);
    expect(await fleet.parts.retention.collect(false)).toMatchObject({ runs: 2, kept: 0 });
    expect(await kept(fleet, [awaited, one])).toEqual([false, false]);
  });

  it('are kept where another begins to wait for them while workers are still asked', async () => {
    const fleet = await fleetOf();
    writeFileSync(join(fleet.folder, '.git'), 'gitdir: elsewhere\n');
    const awaited = await endedRun(fleet, { pipeline: 'change', workspace: 'clone' });
    fleet.clock.nowMs += keepMs;
    const ask: AskWorker = async (_worker, _keys, dryRun) => {
      if (dryRun) await fleet.start(1, { after: [awaited], runs: undefined });
      return [];
    };
    const stateDir = join(fleet.folder, 'state');
    const blobs = openBlobs(join(fleet.folder, 'blobs'));
    const retention = createRetention({ ...fleet.parts, ...fleet.parts.config, stateDir, ask, blobs });
    expect(await retention.collect(false)).toMatchObject({ runs: 0, kept: 1 });
    expect(await kept(fleet, [awaited])).toEqual([true]);
  });

  it('are kept while their private copy holds more than their diff, and while nobody can say', async () => {
    const fleet = await fleetOf();
    const [worker] = fleet.workers;
    writeFileSync(join(fleet.folder, '.git'), 'gitdir: elsewhere\n');
    const id = await endedRun(fleet, { pipeline: 'change', workspace: 'clone' });
    const key = attemptKey(id, 1);
    worker?.holds.add(key);
    fleet.clock.nowMs += keepMs;
    expect(await fleet.parts.retention.collect(false)).toMatchObject({ runs: 0, kept: 1 });
    worker?.holds.delete(key);
    if (worker !== undefined) worker.reachable = false;
    await worker?.cut();
    expect(await fleet.parts.retention.collect(true)).toMatchObject({ runs: 0, kept: 1 });
    if (worker !== undefined) worker.reachable = true;
    expect(await fleet.parts.retention.collect(false)).toMatchObject({ runs: 1, kept: 0 });
  }, 20_000);

  it('are told to a worker that was away when it is back', async () => {
    const fleet = await fleetOf();
    const [worker] = fleet.workers;
    const id = await endedRun(fleet);
    fleet.clock.nowMs += keepMs;
    if (worker !== undefined) worker.reachable = false;
    await worker?.cut();
    expect(await fleet.parts.retention.collect(false)).toMatchObject({ runs: 1, owed: 1 });
    expect(await kept(fleet, [id])).toEqual([false]);
    if (worker !== undefined) worker.reachable = true;
    const after = await fleet.again();
    await allUp(after);
    expect(await after.parts.retention.collect(false)).toMatchObject({ runs: 0, owed: 0 });
    expect(worker?.forgotten).toEqual([attemptKey(id, 1)]);
  }, 30_000);
});

describe('a clock', () => {
  const hour = 3_600_000;

  it('that jumps ahead is believed once it has stood for an hour, and at once when it is set back', () => {
    let [wall, uptime] = [1_000 * hour, 0];
    const pass = (ms: number): void => {
      wall += ms;
      uptime += ms;
    };
    const steady = createSteadyClock({ now: () => wall, uptimeMs: () => uptime });
    expect(steady.now()).toBe(1_000 * hour);
    pass(hour);
    wall += 30_000;
    expect(steady.now()).toBe(1_001 * hour + 30_000);
    wall += 24 * hour;
    expect(steady.now()).toBe(1_001 * hour + 30_000);
    pass(hour / 2);
    expect(steady.now()).toBe(1_001.5 * hour + 30_000);
    wall -= 24 * hour;
    expect(steady.now()).toBe(wall);
    wall += 24 * hour;
    pass(hour / 2);
    steady.now();
    pass(hour - 1);
    expect(steady.now()).toBe(wall - 24 * hour);
    pass(1);
    expect(steady.now()).toBe(wall);
    wall -= 48 * hour;
    expect(steady.now()).toBe(wall);
  });

  it('set wrong forgets nothing', async () => {
    const fleet = await fleetOf();
    const id = await endedRun(fleet);
    fleet.clock.nowMs += 24 * hour;
    expect(await fleet.parts.retention.collect(false)).toMatchObject({ runs: 0 });
    fleet.clock.nowMs -= 24 * hour;
    expect(await kept(fleet, [id])).toEqual([true]);
  });
});

describe('outputs beyond the quota', () => {
  it('cost the runs that ended first, and no more than it takes', async () => {
    const fleet = await fleetOf({ keep_ms: 1e9, quota_bytes: 25 });
    const ids = [await endedRun(fleet), await endedRun(fleet), await endedRun(fleet), await endedRun(fleet)];
    const stateDir = join(fleet.folder, 'state');
    const handles = join(stateDir, 'workers', 'local-1', 'handles');
    mkdirSync(handles, { recursive: true });
    for (const id of ids) writeFileSync(join(handles, id), 'x'.repeat(10));
    const ask: AskWorker = async (_worker, keys) => {
      for (const key of keys) rmSync(join(handles, runAndAttemptOf(key)?.run_id ?? ''));
      return [];
    };
    const { output } = fleet.parts.config;
    const blobs = openBlobs(join(stateDir, 'blobs'));
    const retention = createRetention({ ...fleet.parts, stateDir, ask, output, blobs });
    // Those who began them may not have read them yet, and may ask for them once more by their keys.
    expect(await retention.collect(false)).toMatchObject({ runs: 0 });
    fleet.clock.nowMs += freshMs;
    fleet.clock.uptimeMs += freshMs;
    expect(await retention.collect(true)).toMatchObject({ runs: 2, bytes: 20 });
    expect(await retention.collect(false)).toMatchObject({ runs: 2, bytes: 20 });
    expect(await kept(fleet, ids)).toEqual([false, false, true, true]);
  });
});

describe('a task that has stored more than it may', () => {
  it('has the run ended that tells of more, and no run of another task', async () => {
    const fleet = await fleetOf({ keep_ms: 1e9, task_quota_bytes: 30 });
    const [worker] = fleet.workers;
    await endedRun(fleet, {}, 25);
    const [more = '', other = ''] = [
      ...(await fleet.start(1)),
      ...(await fleet.start(1, { task_id: 'another' })),
    ];
    const { worker_id: _, attempt: __, ...handle } = handleOf({ bytes: 10 });
    for (const id of [other, more]) {
      await fleet.until(id, (run) => run.attempts.at(-1)?.remote_run_id !== undefined);
      const run = worker?.byKey(attemptKey(id, 1));
      worker?.tell(run, { handles: [{ ...handle, handle_id: handleOf().handle_id }] });
    }
    await expect.poll(() => worker?.limited).toEqual([worker?.byKey(attemptKey(more, 1))?.detail.run_id]);
  });

  it('tells each how much it may store, by what it prints, once half of it is stored', async () => {
    const fleet = await fleetOf({ keep_ms: 1e9, task_quota_bytes: 1_000_000 });
    const [worker] = fleet.workers;
    const ids = await fleet.start(2);
    const idOn = (id: string) => worker?.byKey(attemptKey(id, 1))?.detail.run_id ?? '';
    const handles = new Map<string, string>();
    const tell = async (id: string, bytes: number) => {
      await fleet.until(id, (run) => run.attempts.at(-1)?.remote_run_id !== undefined);
      const { worker_id: _, attempt: __, ...handle } = handleOf({ bytes });
      fleet.clock.uptimeMs += 1_000;
      worker?.tell(worker.byKey(attemptKey(id, 1)), {
        handles: [{ ...handle, handle_id: handles.get(id) ?? handle.handle_id }],
      });
      handles.set(id, handles.get(id) ?? handle.handle_id);
      await fleet.until(id, (run) => run.handles[0]?.bytes === bytes);
    };
    const [one = '', two = ''] = ids;
    await tell(one, 400_000);
    await tell(two, 99_000);
    expect(worker?.rooms.size).toBe(0);
    await tell(two, 200_000);
    await expect.poll(() => worker?.rooms.size).toBe(2);
    const [first = 0, second = 0] = [worker?.rooms.get(idOn(one)), worker?.rooms.get(idOn(two))];
    expect(first + second).toBeLessThanOrEqual(1_000_000);
    expect(first + second).toBeGreaterThan(999_990);
    expect(first - 400_000).toBeGreaterThan(second - 200_000);
    expect(second).toBeGreaterThan(200_000);
  });
});
