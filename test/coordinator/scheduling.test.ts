import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FleetError } from '../../core/errors.ts';
import { bootIdOf } from '../../core/machine-boot.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

/** May not begin again by itself, and shares its folder. */
const change = { pipeline: 'change', shared_workspace: true };
const resumable = {
  status: 'paused',
  outcome: { kind: 'lost', resumable: true },
  engine_thread_id: 'th',
} as const;
const lost = { status: 'failed', outcome: { kind: 'lost', resumable: false } } as const;

describe('placing', () => {
  it('fills free slots in order of arrival, evenly, and says why', async () => {
    const fleet = await fakeFleet({ slots: [2, 2] });
    await allUp(fleet);
    const ids = await fleet.start(6);
    const runs = await Promise.all(
      ids.map((id) => fleet.until(id, (run) => run.seq > 6 || run.status === 'pending')),
    );
    expect(runs.map((run) => run.status)).toEqual([
      'running',
      'running',
      'running',
      'running',
      'pending',
      'pending',
    ]);
    expect(runs.map((run) => run.attempts[0]?.placement.worker_id)).toEqual([
      'local-1',
      'local-2',
      'local-1',
      'local-2',
      undefined,
      undefined,
    ]);
    expect(runs[1]?.attempts[0]?.placement).toEqual({
      worker_id: 'local-2',
      policy: 'least-expected-completion',
      why: 'done in 10.0 s, 0 of 2 slots in use',
      next: [{ worker_id: 'local-1', why: 'done in 10.0 s, 1 of 2 slots in use' }],
      rejected: {},
    });
    expect(runs[3]?.attempts[0]?.placement).toMatchObject({ rejected: { 'no free slot': 1 } });
    const first = () => fleet.workers[0]?.byKey(attemptKey(ids[0] ?? '', 1));
    await expect.poll(first).toBeDefined();
    fleet.workers[0]?.complete(first());
    expect((await fleet.until(ids[4] ?? '', (run) => run.status === 'running')).attempts).toHaveLength(1);
    expect((await fleet.run(ids[5] ?? '')).status).toBe('pending');
  });

  it('keeps a new run and claims its slot in one turn', async () => {
    const fleet = await fakeFleet();
    await allUp(fleet);
    const order: string[] = [];
    const { store } = fleet;
    const [submit, claim] = [store.submit, store.claim];
    store.submit = (runs) => (order.push('submit'), submit(runs));
    store.claim = (claims) => (order.push('claim'), claim(claims));
    const accepted = fleet.parts.scheduler.submit([
      { run_id: 'run_aaaaaaaaaaaaaaaaaaaaa', owner: 'local', now: 1, spec: { ...(await specOf(fleet)) } },
    ]);
    expect(order.slice(-2)).toEqual(['submit', 'claim']);
    expect(await accepted).toMatchObject([{ submitted: { kind: 'created' }, wait: undefined }]);
  });

  it('starts nothing of a batch in conflict, and leaks no slot over it', async () => {
    const fleet = await fakeFleet();
    await allUp(fleet);
    const [first] = await fleet.start(1, { runs: [{ request_key: 'k' }] });
    const batch = [{ label: 'new' }, { request_key: 'k', label: 'other' }];
    await expect(fleet.start(1, { runs: batch })).rejects.toMatchObject({ code: 'CONFLICT' });
    fleet.workers[0]?.complete(fleet.workers[0].byKey(attemptKey(first ?? '', 1)));
    await fleet.ended(first ?? '');
    expect(fleet.parts.attempts.size).toBe(0);
    expect(fleet.parts.scheduler.queued).toBe(0);
    expect(fleet.workers[0]?.started).toHaveLength(1);
  });
});

async function specOf(fleet: Awaited<ReturnType<typeof fakeFleet>>) {
  const [id] = await fleet.start(1);
  return (await fleet.run(id ?? '')).spec;
}

describe('a start that fails', () => {
  it('for want of a slot goes back and runs later, without costing an attempt', async () => {
    const fleet = await fakeFleet({ slots: [1] });
    await allUp(fleet);
    const [worker] = fleet.workers;
    if (worker === undefined) return;
    worker.onStart = () => new FleetError('NO_CAPACITY', 'full');
    const [id = ''] = await fleet.start(1);
    await fleet.until(id, (run) => run.attempts[0]?.outcome?.kind === 'spawn');
    worker.onStart = () => 'accept';
    fleet.clock.uptimeMs += 1_000;
    await fleet.parts.scheduler.tick(fleet.clock.nowMs);
    const run = await fleet.until(
      id,
      (one) => one.status === 'running' && one.attempts.at(-1)?.remote_run_id !== undefined,
    );
    expect(run.attempts.map((attempt) => attempt.outcome)).toEqual([
      { kind: 'spawn', errno: 'NO_CAPACITY' },
      undefined,
    ]);
    expect(fleet.parts.attempts.get(id)?.past.tally.used).toBe(0);
  });

  it('by a refusal ends the run with the words of the worker', async () => {
    const fleet = await fakeFleet();
    await allUp(fleet);
    const [worker] = fleet.workers;
    if (worker === undefined) return;
    worker.onStart = () =>
      new FleetError('SANDBOX_UNAVAILABLE', 'No sandbox here.', { next: 'Install bubblewrap.' });
    const [id = ''] = await fleet.start(1);
    expect(await fleet.ended(id)).toMatchObject({
      status: 'failed',
      outcome: { kind: 'engine', code: 'SANDBOX_UNAVAILABLE' },
      error: 'No sandbox here. Install bubblewrap.',
    });
    expect(fleet.parts.attempts.size).toBe(0);
  });

  it('by a connection that breaks is asked again by the same key, and runs once', async () => {
    const fleet = await fakeFleet();
    await allUp(fleet);
    const [worker] = fleet.workers;
    if (worker === undefined) return;
    worker.onStart = () => 'die';
    const [id = ''] = await fleet.start(1);
    await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    expect(worker.started).toEqual([attemptKey(id, 1)]);
    worker.complete(worker.byKey(attemptKey(id, 1)));
    expect(await fleet.ended(id)).toMatchObject({ status: 'completed', attempts: [{ attempt: 1 }] });
  });

  it('for an engine nobody has is refused at once, with what is missing', async () => {
    const fleet = await fakeFleet();
    await allUp(fleet);
    const asked = fleet.start(1, { pipeline: 'codex', prompt: 'x' });
    await expect(asked).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: 'There is no Codex here.',
    });
  });
});

describe('a worker that dies', () => {
  it('and knows how to resume goes on with the same thread, until two have died under it', async () => {
    const fleet = await fakeFleet({ slots: [1, 1] });
    await allUp(fleet);
    const [id = ''] = await fleet.start(1);
    const [worker] = fleet.workers;
    if (worker === undefined) return;
    for (let attempt = 1; attempt <= 2; attempt++) {
      await fleet.until(
        id,
        (run) => run.attempts.length === attempt && run.attempts.at(-1)?.remote_run_id !== undefined,
      );
      await worker.die(() => resumable);
    }
    const run = await fleet.ended(id);
    expect(run).toMatchObject({ status: 'failed', outcome: { kind: 'lost', resumable: true } });
    expect(run.attempts.map((attempt) => attempt.placement.worker_id)).toEqual(['local-1', 'local-1']);
    expect(worker.started).toEqual([attemptKey(id, 1)]);
    expect(worker.resumed).toHaveLength(1);
    expect(run.error).toContain('2 workers died');
  });

  it('leaves a run that was paused on purpose paused', async () => {
    const fleet = await fakeFleet();
    await allUp(fleet);
    const [id = ''] = await fleet.start(1);
    await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    await fleet.tools.pause_run({ run_id: id }, fleet.call);
    await fleet.workers[0]?.die(() => resumable);
    await allUp(fleet);
    await expect.poll(() => fleet.parts.attempts.get(id)?.seenBoot).toBe(fleet.workers[0]?.bootId);
    expect((await fleet.run(id)).status).toBe('paused');
    expect(await fleet.tools.resume_run({ run_id: id }, fleet.call)).toMatchObject({ status: 'running' });
  });

  it('ends what it cannot resume, and what it forgot, as lost', async () => {
    const fleet = await fakeFleet();
    await allUp(fleet);
    const [a = '', b = ''] = await fleet.start(2, change);
    for (const id of [a, b]) await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    await fleet.workers[0]?.die((detail) => (detail.request_key === attemptKey(a, 1) ? lost : 'forgotten'));
    expect(await fleet.ended(a)).toMatchObject({ status: 'failed', outcome: { kind: 'lost' } });
    expect(await fleet.ended(b)).toMatchObject({
      status: 'failed',
      outcome: { kind: 'lost', resumable: false },
    });
    expect(fleet.parts.attempts.size).toBe(0);
  });

  it('and stays away ends its run after the lease, not before', async () => {
    const fleet = await fakeFleet();
    await allUp(fleet);
    const [id = ''] = await fleet.start(1, change);
    await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    const [worker] = fleet.workers;
    if (worker === undefined) return;
    worker.reachable = false;
    await worker.cut();
    await expect.poll(() => fleet.parts.fleet.get('local-1')?.link).toBe(undefined);
    await expect.poll(() => fleet.parts.fleet.get('local-1')?.state).toBe('down');
    // The machine slept: the leases are old, but nobody was missed for long.
    fleet.clock.nowMs += 3_600_000;
    await fleet.parts.leases.check();
    expect((await fleet.run(id)).status).toBe('running');
    await fleet.missForALease();
    expect(await fleet.run(id)).toMatchObject({ status: 'failed', outcome: { kind: 'lost' } });
  });

  it('strands a run that waits for its thread, which then ends', async () => {
    const fleet = await fakeFleet({ slots: [1] });
    await allUp(fleet);
    const [id = ''] = await fleet.start(1, change);
    await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    const [worker] = fleet.workers;
    if (worker === undefined) return;
    fleet.parts.scheduler.stop();
    await worker.die(() => resumable);
    await fleet.until(id, (run) => run.status === 'pending');
    worker.reachable = false;
    await worker.cut();
    await expect.poll(() => fleet.parts.fleet.get('local-1')?.state).toBe('down');
    await fleet.missForALease();
    expect(await fleet.run(id)).toMatchObject({ status: 'failed', outcome: { kind: 'lost' } });
  });
});

describe('a coordinator that comes back', () => {
  it('finds runs under way and runs that wait, and passes a cancel on', async () => {
    const before = await fakeFleet({ slots: [2] });
    await allUp(before);
    const ids = await before.start(3);
    const [a = '', b = '', c = ''] = ids;
    for (const id of [a, b]) await before.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    const [worker] = before.workers;
    if (worker === undefined) return;
    await before.close();
    await before.store.cancel([b], 5);
    const after = await before.again();
    expect(await after.ended(b)).toMatchObject({ status: 'cancelled' });
    worker.complete(worker.byKey(attemptKey(a, 1)));
    expect(await after.ended(a)).toMatchObject({ status: 'completed', attempts: [{ attempt: 1 }] });
    await after.until(c, (run) => run.status === 'running');
    expect(worker.started).toEqual(ids.map((id) => attemptKey(id, 1)));
  });

  it('of a smaller fleet lets a worker it no longer has go on with what is there, and no more', async () => {
    const before = await fakeFleet({ slots: [1, 1] });
    await allUp(before);
    const [a = '', b = ''] = await before.start(2);
    for (const id of [a, b]) await before.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    const [first, second] = before.workers;
    if (first === undefined || second === undefined) return;
    await before.close();
    await second.die(() => resumable);
    const after = await before.again({ workers: { count: 1, slots: 1 } });
    await after.until(b, (run) => run.attempts.length === 2 && run.attempts[1]?.remote_run_id !== undefined);
    const [c = ''] = await after.start(1);
    second.complete(second.byKey(attemptKey(b, 1)));
    expect((await after.ended(b)).attempts[1]?.placement).toMatchObject({ worker_id: 'local-2' });
    expect((await after.run(c)).status).toBe('pending');
    first.complete(first.byKey(attemptKey(a, 1)));
    await after.until(c, (run) => run.attempts[0]?.remote_run_id !== undefined);
    expect(second.started).toEqual([attemptKey(b, 1)]);
  });

  /** Claimed for a worker, and nobody knows whether that was told. */
  async function claimed(more: Record<string, unknown> = {}): Promise<{ before: FakeFleet; id: string }> {
    const before = await fakeFleet();
    const [worker] = before.workers;
    if (worker !== undefined) worker.bootId = bootIdOf('monday-1', 'a');
    await allUp(before);
    const { send } = before.parts.dispatch;
    before.parts.dispatch.send = () => Promise.resolve();
    const [id = ''] = await before.start(1, more);
    before.parts.dispatch.send = send;
    expect(worker?.started).toEqual([]);
    if (worker !== undefined) worker.bootId = bootIdOf('monday-1', 'b');
    return { before, id };
  }

  it('never begins again what may have had effects, where the machine of its worker went down meanwhile', async () => {
    const { before, id } = await claimed(change);
    const { before: other, id: repeatable } = await claimed();
    for (const { workers } of [before, other])
      for (const worker of workers) worker.bootId = bootIdOf('tuesday2', 'c');
    const after = await before.again();
    expect(await after.ended(id)).toMatchObject({
      status: 'failed',
      outcome: { kind: 'lost' },
      error: 'Its machine went down before it was known whether the run had begun.',
    });
    expect(after.workers[0]?.started).toEqual([]);
    const next = await other.again();
    await next.until(repeatable, (run) => run.attempts[0]?.remote_run_id !== undefined);
  });

  it('asks again for a run that was claimed and never sent', async () => {
    const { before, id } = await claimed(change);
    const after = await before.again();
    await after.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    expect(after.workers[0]?.started).toEqual([attemptKey(id, 1)]);
  });
});

describe('whatever workers do', () => {
  it('every run ends and every slot comes back', { timeout: 60_000 }, async () => {
    const event = fc.oneof(
      { weight: 6, arbitrary: fc.constant('complete' as const) },
      { weight: 2, arbitrary: fc.constant('refuse' as const) },
      fc.constant('full' as const),
      fc.constant('cut' as const),
      fc.constant('die' as const),
      fc.constant('silent' as const),
      fc.constant('cancel' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 25 }), async (events) => {
        const fleet = await fakeFleet({ slots: [2, 1] });
        await allUp(fleet);
        const ids: string[] = [];
        for (const [at, what] of events.entries()) {
          const worker = fleet.workers[at % 2];
          if (worker === undefined) continue;
          ids.push(...(await fleet.start(1)));
          if (what === 'complete')
            for (const run of worker.runs.values()) if (run.detail.status === 'running') worker.complete(run);
          if (what === 'refuse') worker.onStart = once(worker, new FleetError('COMMAND_NOT_ALLOWED', 'no'));
          if (what === 'full') worker.onStart = once(worker, new FleetError('NO_CAPACITY', 'full'));
          if (what === 'silent') worker.onStart = () => 'die';
          if (what === 'cut') await worker.cut();
          if (what === 'die')
            await worker.die((detail) => (isTerminal(detail.status) ? {} : at % 3 === 0 ? resumable : lost));
          if (what === 'cancel')
            await fleet.tools.cancel_run({ run_ids: [ids[at >> 1] ?? ids[0] ?? ''] }, fleet.call);
          fleet.clock.uptimeMs += 300;
        }
        const isOpen = async (): Promise<boolean> => (await fleet.store.open()).length > 0;
        const deadline = performance.now() + 10_000;
        while ((await isOpen()) && performance.now() < deadline) {
          for (const worker of fleet.workers) {
            for (const run of worker.runs.values()) if (run.detail.status === 'running') worker.complete(run);
          }
          fleet.clock.uptimeMs += 300;
          fleet.clock.nowMs += 300;
          fleet.parts.scheduler.poke();
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        expect(await fleet.store.open()).toEqual([]);
        await expect.poll(() => fleet.parts.attempts.size).toBe(0);
        expect(fleet.parts.scheduler.queued).toBe(0);
        for (const worker of fleet.workers) expect(new Set(worker.started).size).toBe(worker.started.length);
        await fleet.close();
      }),
      { numRuns: 25 },
    );
  });
});

function once(worker: { onStart: (key: string) => FleetError | 'accept' | 'die' }, error: FleetError) {
  return (): FleetError => {
    worker.onStart = () => 'accept';
    return error;
  };
}
