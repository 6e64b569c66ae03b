import { describe, expect, it } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { FleetError } from '../../core/errors.ts';
import type { Outcome } from '../../schemas/run.ts';
import { runSnapshot } from '../../schemas/run.ts';
import { allUp, fakeFleet, type FakeFleet, type FakeFleetOptions } from './fake-fleet.ts';
import type { FakeWorker } from './fake-worker.ts';

/** May not begin again by itself, and shares its folder. */
const change = { pipeline: 'change', shared_workspace: true };
const prompt = { pipeline: 'codex', prompt: 'x', shared_workspace: true };
const crash: Outcome = { kind: 'engine', code: 'process_ended', message: 'gone' };
const limited: Outcome = { kind: 'engine', code: 'rateLimitExceeded', message: '429' };

async function open(options: FakeFleetOptions = {}): Promise<FakeFleet> {
  const fleet = await fakeFleet(options);
  for (const worker of fleet.workers) worker.hasCodex = true;
  for (const worker of fleet.workers) await worker.cut();
  await allUp(fleet);
  return fleet;
}

/** Once the latest attempt of a run is at work; its worker and its run there. */
async function atWork(fleet: FakeFleet, id: string, attempt: number): Promise<FakeWorker> {
  const run = await fleet.until(
    id,
    ({ attempts, status }) =>
      attempts.length === attempt && attempts.at(-1)?.remote_run_id !== undefined && status === 'running',
  );
  const name = run.attempts.at(-1)?.placement.worker_id;
  const worker = fleet.workers.find((_worker, at) => `local-${String(at + 1)}` === name);
  if (worker === undefined) throw new Error(`no worker ${String(name)}`);
  return worker;
}

function fail(worker: FakeWorker, key: string, outcome: Outcome): void {
  worker.tell(worker.byKey(key), { status: 'failed', outcome, ended_at: Date.now(), error: 'so it ended' });
}

/** It rests where it was, and says why. */
function rest(worker: FakeWorker, key: string, outcome: Outcome, retryAt?: number): void {
  worker.tell(worker.byKey(key), {
    status: 'paused',
    outcome,
    engine_thread_id: 'thread',
    ...(retryAt !== undefined && { retry_at: retryAt }),
  });
}

async function pass(fleet: FakeFleet, ms: number): Promise<void> {
  fleet.clock.nowMs += ms;
  fleet.clock.uptimeMs += ms;
  await fleet.parts.scheduler.tick(fleet.clock.nowMs);
}

async function shown(fleet: FakeFleet, id: string) {
  const { runs } = await fleet.tools.poll_run({ run_ids: [id] }, fleet.call);
  return runSnapshot.parse(runs[0]);
}

describe('a run whose attempt failed', () => {
  it('waits, begins again on another worker, and keeps what the first put out', async () => {
    const fleet = await open({ slots: [1, 1] });
    const [id = ''] = await fleet.start(1);
    const first = await atWork(fleet, id, 1);
    const handle = {
      handle_id: 'hdl_V1StGXR8Z5jdHi6BmyT01',
      stream: 'stdout',
      stage: 'work',
      media_type: 'text/plain',
      state: 'sealed',
      bytes: 3,
      lines: 1,
      truncated: false,
      created_at: 5,
    } as const;
    first.tell(first.byKey(attemptKey(id, 1)), { handles: [handle] });
    fail(first, attemptKey(id, 1), crash);
    const waiting = await fleet.until(id, (run) => run.status === 'pending');
    expect(waiting.not_before).toBe(fleet.clock.nowMs + 500);
    expect(waiting.attempts[0]?.retry).toEqual({ why: 'engine', delay_ms: 500, resumes: false });
    expect(await shown(fleet, id)).toMatchObject({
      status: 'pending',
      waiting_for: 'retry',
      not_before: fleet.clock.nowMs + 500,
    });
    await pass(fleet, 499);
    expect((await fleet.run(id)).status).toBe('pending');
    await pass(fleet, 1);
    const second = await atWork(fleet, id, 2);
    expect(second).not.toBe(first);
    const run = await fleet.run(id);
    expect(run.attempts[1]?.placement.rejected).toMatchObject({ 'failed it before': 1 });
    second.tell(second.byKey(attemptKey(id, 2)), {
      handles: [{ ...handle, handle_id: 'hdl_V1StGXR8Z5jdHi6BmyT02' }],
    });
    second.complete(second.byKey(attemptKey(id, 2)));
    expect((await fleet.ended(id)).handles.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect((await shown(fleet, id)).handles?.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('goes back to the worker that failed it where there is no other', async () => {
    const fleet = await open({ slots: [1] });
    const [id = ''] = await fleet.start(1);
    fail(await atWork(fleet, id, 1), attemptKey(id, 1), crash);
    await fleet.until(id, (run) => run.status === 'pending');
    await pass(fleet, 500);
    expect(await atWork(fleet, id, 2)).toBe(fleet.workers[0]);
  });

  it('ends where a process of it may have had effects, and for a plain exit', async () => {
    const fleet = await open();
    const [a = '', b = ''] = await fleet.start(2, change);
    fail(await atWork(fleet, a, 1), attemptKey(a, 1), crash);
    fail(await atWork(fleet, b, 1), attemptKey(b, 1), { kind: 'exit', code: 2 });
    expect(await fleet.ended(a)).toMatchObject({ status: 'failed', error: 'so it ended' });
    expect(await fleet.ended(b)).toMatchObject({ status: 'failed', outcome: { kind: 'exit', code: 2 } });
  });

  it('is repeated as it asks for, as often as it asks for', async () => {
    const fleet = await open({ slots: [1, 1] });
    const asked = { ...change, idempotent: true, retry_on_exit: true, max_attempts: 2 };
    const [id = ''] = await fleet.start(1, asked);
    fail(await atWork(fleet, id, 1), attemptKey(id, 1), { kind: 'exit', code: 2 });
    await fleet.until(id, (run) => run.status === 'pending');
    await pass(fleet, 500);
    fail(await atWork(fleet, id, 2), attemptKey(id, 2), crash);
    expect(await fleet.ended(id)).toMatchObject({ error: 'It was tried 2 times.', outcome: crash });
  });

  it('goes on in its thread where its engine died, and is ended there when it may not', async () => {
    const fleet = await open({ slots: [1, 1] });
    const [id = ''] = await fleet.start(1, { ...change, max_attempts: 2 });
    const worker = await atWork(fleet, id, 1);
    rest(worker, attemptKey(id, 1), crash);
    const waiting = await fleet.until(id, (run) => run.status === 'pending');
    expect(waiting.attempts[0]?.retry).toMatchObject({ why: 'engine', resumes: true });
    await pass(fleet, 500);
    expect(await atWork(fleet, id, 2)).toBe(worker);
    expect(worker.resumed).toHaveLength(1);
    rest(worker, attemptKey(id, 1), crash);
    expect(await fleet.ended(id)).toMatchObject({ status: 'failed', outcome: crash });
    await expect.poll(() => worker.cancelled).toHaveLength(1);
  });

  it('still waits after a restart, and goes on when its time has come', async () => {
    const before = await open({ slots: [1, 1] });
    const [id = ''] = await before.start(1);
    fail(await atWork(before, id, 1), attemptKey(id, 1), crash);
    await before.until(id, (run) => run.status === 'pending');
    const after = await before.again();
    await allUp(after);
    expect(after.parts.scheduler.queued).toBe(1);
    expect(await shown(after, id)).toMatchObject({ waiting_for: 'retry' });
    await pass(after, 500);
    await atWork(after, id, 2);
  });

  it('is tried elsewhere where its worker could not begin it', async () => {
    const fleet = await open({ slots: [1, 1] });
    for (const worker of fleet.workers)
      worker.onStart = () => new FleetError('STORE_UNAVAILABLE', 'No room.');
    const [id = ''] = await fleet.start(1, change);
    await fleet.until(id, (run) => run.not_before !== undefined);
    await pass(fleet, 500);
    await fleet.until(id, (run) => run.attempts.length === 2 && run.not_before !== undefined);
    const [one, two] = (await fleet.run(id)).attempts;
    expect(one?.placement.worker_id).not.toBe(two?.placement.worker_id);
    expect(one?.outcome).toEqual({ kind: 'spawn', errno: 'STORE_UNAVAILABLE' });
    for (const worker of fleet.workers) worker.onStart = () => 'accept';
    await pass(fleet, 1_500);
    await atWork(fleet, id, 3);
  });

  it('that is cancelled while it waits is over, on its worker too', async () => {
    const fleet = await open({ slots: [1] });
    const [id = ''] = await fleet.start(1, change);
    const worker = await atWork(fleet, id, 1);
    rest(worker, attemptKey(id, 1), crash);
    await fleet.until(id, (run) => run.status === 'pending');
    await fleet.tools.cancel_run({ run_ids: [id] }, fleet.call);
    expect((await fleet.ended(id)).status).toBe('cancelled');
    expect(fleet.parts.scheduler.queued).toBe(0);
    await expect.poll(() => worker.cancelled).toHaveLength(1);
  });
});

describe('a rate limit', () => {
  it('parks a run until the provider’s word, with its slot free and its thread kept', async () => {
    const fleet = await open({ slots: [1] });
    const [id = ''] = await fleet.start(1, prompt);
    const worker = await atWork(fleet, id, 1);
    const until = fleet.clock.nowMs + 20_000;
    rest(worker, attemptKey(id, 1), limited, until);
    const parked = await fleet.until(id, (run) => run.status === 'pending');
    expect(parked).toMatchObject({ not_before: until, attempts: [{ retry: { why: 'rate_limit' } }] });
    expect(await shown(fleet, id)).toMatchObject({ waiting_for: 'rate_limit' });
    // The slot is for who needs no model; who does waits, for it is one limit for all.
    const [other = ''] = await fleet.start(1);
    worker.complete((await atWork(fleet, other, 1)).byKey(attemptKey(other, 1)));
    await fleet.ended(other);
    const [late = ''] = await fleet.start(1, prompt);
    expect(await shown(fleet, late)).toMatchObject({ status: 'pending', waiting_for: 'rate_limit' });
    await pass(fleet, 19_999);
    expect((await fleet.run(id)).status).toBe('pending');
    await pass(fleet, 1);
    await atWork(fleet, id, 2);
    expect(worker.resumed).toHaveLength(1);
    worker.complete(worker.byKey(attemptKey(id, 1)));
    await fleet.ended(id);
    await atWork(fleet, late, 1);
  });

  it('is one for the whole fleet, and apart for another model', async () => {
    const fleet = await open({ slots: [1, 2] });
    const [id = ''] = await fleet.start(1, prompt);
    rest(await atWork(fleet, id, 1), attemptKey(id, 1), limited, fleet.clock.nowMs + 9_000);
    await fleet.until(id, (run) => run.status === 'pending');
    const [same = ''] = await fleet.start(1, prompt);
    const [other = ''] = await fleet.start(1, { ...prompt, model: 'another' });
    await atWork(fleet, other, 1);
    expect((await fleet.run(same)).status).toBe('pending');
  });

  it('halves how many are let in, and gives room again with every success', async () => {
    const fleet = await open({ slots: [16] });
    const ids = await fleet.start(16, prompt);
    await fleet.until(ids[7] ?? '', (run) => run.attempts.at(-1)?.remote_run_id !== undefined);
    const [worker] = fleet.workers;
    if (worker === undefined) return;
    expect(worker.busy).toBe(8);
    for (const id of ids.slice(3, 8)) {
      rest(worker, attemptKey(id, 1), limited, fleet.clock.nowMs + 1_000);
      await fleet.until(id, (run) => run.status === 'pending');
    }
    await pass(fleet, 1_000);
    await expect.poll(() => worker.busy).toBe(4);
    for (const id of ids.slice(0, 3)) worker.complete(worker.byKey(attemptKey(id, 1)));
    for (const id of ids.slice(3, 7)) await atWork(fleet, id, 2);
    await expect.poll(() => worker.busy).toBe(4);
    const usage = { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1, reasoning_tokens: 0 };
    for (const id of ids.slice(3, 7))
      worker.tell(worker.byKey(attemptKey(id, 1)), { usage: { ...usage, calls: 8 } });
    await expect.poll(() => worker.busy).toBeGreaterThan(5);
  });

  it('is remembered over a restart', async () => {
    const before = await open({ slots: [2] });
    const [id = ''] = await before.start(1, prompt);
    rest(await atWork(before, id, 1), attemptKey(id, 1), limited, before.clock.nowMs + 9_000);
    await before.until(id, (run) => run.status === 'pending');
    const after = await before.again();
    await allUp(after);
    const [late = ''] = await after.start(1, prompt);
    expect((await after.run(late)).status).toBe('pending');
    expect(await shown(after, id)).toMatchObject({ waiting_for: 'rate_limit' });
    await pass(after, 10_000);
    await atWork(after, id, 2);
    await atWork(after, late, 1);
  });
});

describe('a worker that fails one run after another', () => {
  it('gets none for a while, then one that tries, then all again', async () => {
    const fleet = await open({ slots: [1] });
    const [worker] = fleet.workers;
    if (worker === undefined) return;
    for (let n = 0; n < 5; n++) {
      const [id = ''] = await fleet.start(1, { ...change, max_attempts: 1 });
      fail(await atWork(fleet, id, 1), attemptKey(id, 1), crash);
      await fleet.ended(id);
    }
    worker.slots = 2;
    const [a = '', b = ''] = await fleet.start(2, change);
    const reasons = () => fleet.tools.list_workers({}, fleet.call);
    expect(await reasons()).toMatchObject({ workers: [{ reason: 'breaker open' }] });
    expect((await fleet.run(a)).status).toBe('pending');
    await pass(fleet, 15_000);
    await atWork(fleet, a, 1);
    expect((await fleet.run(b)).status).toBe('pending');
    expect(await reasons()).toMatchObject({ workers: [{ reason: 'breaker half open' }] });
    worker.complete(worker.byKey(attemptKey(a, 1)));
    await atWork(fleet, b, 1);
    expect((await reasons()).workers[0]).not.toHaveProperty('reason');
  });
});
