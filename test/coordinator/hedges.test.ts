import { describe, expect, it } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { allUp, fakeFleet, type FakeFleet, type FakeFleetOptions } from './fake-fleet.ts';
import type { FakeWorker } from './fake-worker.ts';

/** Two workers that have ended a run of each pipeline; later ones are stragglers from `lookLater` on. */
async function twoWorkers(options: FakeFleetOptions = {}): Promise<FakeFleet> {
  const fleet = await fakeFleet({ slots: [1, 1], ...options });
  await allUp(fleet);
  for (const pipeline of ['work', 'change']) {
    const [id = ''] = await fleet.start(1, { pipeline, shared_workspace: true });
    await ends(fleet, id, 1);
  }
  return fleet;
}

const workerOf = ({ workers }: FakeFleet, key: string): FakeWorker | undefined =>
  workers.find((worker) => worker.byKey(key) !== undefined);

/** Once a worker has it. */
async function begun(fleet: FakeFleet, runId: string, attempt: number): Promise<FakeWorker> {
  const run = await fleet.until(runId, ({ attempts }) => attempts[attempt - 1]?.started_at !== undefined);
  const worker = workerOf(fleet, attemptKey(run.run_id, attempt));
  if (worker === undefined) throw new Error('begun nowhere');
  return worker;
}

async function ends(fleet: FakeFleet, runId: string, attempt: number): Promise<void> {
  const worker = await begun(fleet, runId, attempt);
  worker.complete(worker.byKey(attemptKey(runId, attempt)));
  await fleet.ended(runId);
}

async function lookLater(fleet: FakeFleet): Promise<void> {
  fleet.clock.nowMs += 60_000;
  await fleet.parts.hedges.look();
}

/** A run under way, with a second attempt. */
async function hedged(fleet: FakeFleet): Promise<{ id: string; first: FakeWorker; second: FakeWorker }> {
  const [id = ''] = await fleet.start(1);
  const first = await begun(fleet, id, 1);
  await lookLater(fleet);
  return { id, first, second: await begun(fleet, id, 2) };
}

async function untilFree({ parts: { attempts } }: FakeFleet): Promise<void> {
  await expect.poll(() => attempts.size).toBe(0);
}

describe('a second attempt', () => {
  it('begins on another worker, wins, and the first is cancelled', async () => {
    const fleet = await twoWorkers();
    const { id, first, second } = await hedged(fleet);
    expect(second).not.toBe(first);
    const handle = {
      handle_id: 'hdl_V1StGXR8Z5jdHi6BmyT01',
      stream: 'stdout',
      stage: 'work',
      media_type: 'text/plain',
    } as const;
    const stored = { ...handle, state: 'sealed', bytes: 1, lines: 1, created_at: 1 } as const;
    first.tell(first.byKey(attemptKey(id, 1)), {
      handles: [{ ...stored, truncated: false }],
      preview: 'slow',
    });
    await fleet.until(id, ({ handles }) => handles.length === 1);
    second.tell(second.byKey(attemptKey(id, 2)), { preview: 'quick' });
    second.complete(second.byKey(attemptKey(id, 2)));
    const run = await fleet.ended(id);
    expect(run).toMatchObject({ status: 'completed', outcome: { kind: 'exit', code: 0 }, preview: 'quick' });
    expect(run.attempts).toMatchObject([
      { superseded_by: 2, outcome: { kind: 'cancelled' } },
      { hedge: { beside: 1 }, outcome: { kind: 'exit', code: 0 } },
    ]);
    expect(run.attempts[1]?.hedge?.why).toMatch(/^not done after 60000 ms, where \d+ ms are long$/);
    expect(run.handles).toMatchObject([{ handle_id: 'hdl_V1StGXR8Z5jdHi6BmyT01', attempt: 1 }]);
    await untilFree(fleet);
    expect(first.cancelled).toEqual([first.byKey(attemptKey(id, 1))?.detail.run_id]);
    const [told] = (await fleet.tools.poll_run({ run_ids: [id] }, fleet.call)).runs;
    expect(told).toMatchObject({ worker: run.attempts[1]?.placement.worker_id, attempt: 2 });
  });

  it('is cancelled where the first wins', async () => {
    const fleet = await twoWorkers();
    const { id, second } = await hedged(fleet);
    await ends(fleet, id, 1);
    await untilFree(fleet);
    expect(second.cancelled).toHaveLength(1);
    expect((await fleet.run(id)).attempts).toMatchObject([{ attempt: 1 }, { superseded_by: 1 }]);
    const [told] = (await fleet.tools.poll_run({ run_ids: [id] }, fleet.call)).runs;
    expect(told).toMatchObject({ attempt: 1 });
  });

  it('ends the run by its exit, whatever becomes of the first', async () => {
    const fleet = await twoWorkers();
    const { id, first, second } = await hedged(fleet);
    const outcome = { kind: 'exit', code: 3 } as const;
    second.tell(second.byKey(attemptKey(id, 2)), { status: 'failed', outcome, ended_at: 1 });
    await fleet.until(id, ({ attempts }) => attempts[1]?.outcome !== undefined);
    await first.die(() => ({ status: 'failed', outcome: { kind: 'lost', resumable: false }, ended_at: 1 }));
    const run = await fleet.ended(id);
    expect(run).toMatchObject({ status: 'failed', outcome });
    expect(run.attempts).toMatchObject([{ superseded_by: 2 }, { outcome }]);
    await untilFree(fleet);
    expect([...first.started, ...second.started].filter((key) => key.startsWith(id))).toHaveLength(2);
  });

  it('is lost by itself', async () => {
    const fleet = await twoWorkers();
    const { id, second } = await hedged(fleet);
    const outcome = { kind: 'lost', resumable: false } as const;
    second.tell(second.byKey(attemptKey(id, 2)), { status: 'failed', outcome, ended_at: 1 });
    expect((await fleet.until(id, ({ attempts }) => attempts[1]?.outcome !== undefined)).status).toBe(
      'running',
    );
    await ends(fleet, id, 1);
    expect((await fleet.run(id)).status).toBe('completed');
  });

  it('goes when the person pauses the run, which stays paused', async () => {
    const fleet = await twoWorkers();
    const { id, second } = await hedged(fleet);
    await fleet.tools.pause_run({ run_id: id }, fleet.call);
    const run = await fleet.until(id, ({ attempts }) => attempts[1]?.ended_at !== undefined);
    expect(second.cancelled).toHaveLength(1);
    expect(run.status).toBe('paused');
  });

  it('goes when it asks', async () => {
    const fleet = await twoWorkers();
    const { id, second } = await hedged(fleet);
    const question = { kind: 'question', text: 'Well?', asked_at: 1 } as const;
    second.tell(second.byKey(attemptKey(id, 2)), { status: 'input_required', question });
    await fleet.until(id, ({ attempts }) => attempts[1]?.ended_at !== undefined);
    expect((await fleet.run(id)).status).toBe('running');
    expect(second.cancelled).toHaveLength(1);
  });

  it('is cancelled with its run', async () => {
    const fleet = await twoWorkers();
    const { id, first, second } = await hedged(fleet);
    await fleet.tools.cancel_run({ run_ids: [id] }, fleet.call);
    expect((await fleet.ended(id)).status).toBe('cancelled');
    expect([first.cancelled.length, second.cancelled.length]).toEqual([1, 1]);
    await untilFree(fleet);
  });

  it('outlives the coordinator, and wins all the same', async () => {
    const fleet = await twoWorkers();
    const { id, first } = await hedged(fleet);
    const next = await fleet.again();
    await allUp(next);
    expect(next.parts.attempts.ofRun(id)).toHaveLength(2);
    await ends(next, id, 2);
    await untilFree(next);
    expect(first.cancelled).toHaveLength(1);
    expect((await next.run(id)).attempts).toMatchObject([{ superseded_by: 2 }, { hedge: { beside: 1 } }]);
  });

  it('is ended after a crash between the end of its run and the word to its worker', async () => {
    const fleet = await twoWorkers();
    const { id, second } = await hedged(fleet);
    await fleet.close();
    const end = { status: 'completed', outcome: { kind: 'exit', code: 0 } } as const;
    await fleet.store.finish([{ run_id: id, attempt: 1, now: 1, handles: [], ...end }]);
    const next = await fleet.again();
    await allUp(next);
    await expect.poll(() => second.cancelled.length).toBe(1);
  });
});

describe('no second attempt', () => {
  const open = async (fleet: FakeFleet, more: Record<string, unknown> = {}): Promise<string> => {
    const [id = ''] = await fleet.start(1, more);
    await begun(fleet, id, 1);
    return id;
  };
  it('begins before a run is late', async () => {
    const fleet = await twoWorkers();
    const id = await open(fleet);
    await fleet.parts.hedges.look();
    expect((await fleet.run(id)).attempts).toHaveLength(1);
  });
  it('begins with a budget of 0', async () => {
    const fleet = await twoWorkers({ config: { scheduling: { hedge_budget: 0 } } });
    const id = await open(fleet);
    await lookLater(fleet);
    expect((await fleet.run(id)).attempts).toHaveLength(1);
  });
  it('begins of a run that may not be repeated, but of one declared so', async () => {
    const fleet = await twoWorkers();
    const change = { pipeline: 'change', shared_workspace: true };
    const id = await open(fleet, change);
    await lookLater(fleet);
    expect((await fleet.run(id)).attempts).toHaveLength(1);
    await ends(fleet, id, 1);
    const declared = await open(fleet, { ...change, idempotent: true });
    await lookLater(fleet);
    expect((await fleet.run(declared)).attempts).toHaveLength(2);
  });
  it('begins of a run that may have ended while no coordinator was there', async () => {
    const fleet = await twoWorkers({ slots: [1, 1, 1] });
    const id = await open(fleet);
    const worker = workerOf(fleet, attemptKey(id, 1));
    if (worker === undefined) throw new Error('begun nowhere');
    worker.reachable = false;
    const next = await fleet.again();
    await expect
      .poll(() => [...next.parts.fleet.workers()].filter(({ state }) => state === 'up'))
      .toHaveLength(2);
    await lookLater(next);
    expect((await next.run(id)).attempts).toHaveLength(1);
    worker.reachable = true;
    await allUp(next);
    await expect.poll(() => next.parts.attempts.get(id)?.seenBoot).toBeDefined();
    await lookLater(next);
    expect((await next.run(id)).attempts).toHaveLength(2);
  });
  it('begins while a run waits', async () => {
    const fleet = await twoWorkers({ slots: [1, 1, 1] });
    const writer = await open(fleet, { pipeline: 'change' });
    // For the work tree of the one before, beside a slot that is free.
    const [next = ''] = await fleet.start(1, { pipeline: 'change' });
    const late = await open(fleet);
    expect((await fleet.run(next)).status).toBe('pending');
    await lookLater(fleet);
    expect((await fleet.run(late)).attempts).toHaveLength(1);
    await ends(fleet, writer, 1);
    await ends(fleet, next, 1);
    await lookLater(fleet);
    expect((await fleet.run(late)).attempts).toHaveLength(2);
  });
});
