import { describe, expect, it } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { newTaskIndex, readOn, taskManifest } from '../../coordinator/manifest/task-index.ts';
import type { Usage } from '../../schemas/run.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

function used(tokens: number, calls = 1): Usage {
  return {
    calls,
    input_tokens: tokens - 10,
    cached_input_tokens: 5,
    output_tokens: 10,
    reasoning_tokens: 0,
  };
}

async function started(slots: number[]): Promise<FakeFleet> {
  const fleet = await fakeFleet({ slots });
  await allUp(fleet);
  return fleet;
}

function told(fleet: FakeFleet, runId: string, attempt = 1) {
  const key = attemptKey(runId, attempt);
  const worker = fleet.workers.find((one) => one.byKey(key) !== undefined);
  const run = worker?.byKey(key);
  if (worker === undefined || run === undefined) throw new Error(`no worker has ${key}`);
  return { worker, run };
}

async function isRunning(fleet: FakeFleet, runId: string) {
  const run = await fleet.until(runId, ({ attempts }) => attempts.at(-1)?.remote_run_id !== undefined);
  return run.attempts.at(-1)?.reserved;
}

async function end(fleet: FakeFleet, runId: string, usage: Usage, activeMs = 1_000): Promise<void> {
  const { worker, run } = told(fleet, runId);
  const outcome = { kind: 'exit', code: 0 } as const;
  worker.tell(run, { status: 'completed', outcome, ended_at: Date.now(), usage, active_ms: activeMs });
  await fleet.ended(runId);
}

/** Where the run waits, once all that happened before has been taken in. */
async function waitingFor(fleet: FakeFleet, runId: string): Promise<string | undefined> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  const { runs } = await fleet.tools.poll_run({ run_ids: [runId] }, fleet.call);
  return runs[0]?.waiting_for;
}

describe('the budget of a task', () => {
  it('is divided among the runs that can be under way, and what one leaves goes to the next', async () => {
    const fleet = await started([2]);
    const [a = '', b = '', c = '', d = ''] = await fleet.start(4, { task_budget: { tokens: 100_000 } });
    expect(await isRunning(fleet, a)).toEqual({ tokens: 50_000 });
    expect(await isRunning(fleet, b)).toEqual({ tokens: 50_000 });
    expect(await waitingFor(fleet, c)).toBe('budget');
    await end(fleet, a, used(30_000));
    // 100,000 less 30,000 used, less 50,000 that b holds.
    expect(await isRunning(fleet, c)).toEqual({ tokens: 20_000 });
    await end(fleet, b, used(10_000));
    expect(await isRunning(fleet, d)).toEqual({ tokens: 40_000 });
  });

  it('gives a run what it asks for, and makes it wait until there is as much', async () => {
    const fleet = await started([4]);
    const [a = '', b = ''] = await fleet.start(2, { task_budget: { tokens: 1_000 }, max_tokens: 600 });
    expect(await isRunning(fleet, a)).toEqual({ tokens: 600 });
    expect(await waitingFor(fleet, b)).toBe('budget');
    await end(fleet, a, used(700));
    // What is left is less than it asks, and nobody holds more.
    expect(await isRunning(fleet, b)).toEqual({ tokens: 300 });
  });

  it.each([
    ['tokens', { tokens: 1_000 }, { limit: 1000 }],
    ['turns', { turns: 3 }, { limit: 3 }],
    ['wall', { wall_ms: 2_000 }, { limit: 2000 }],
    ['attempts', { attempts: 1 }, { limit: 1 }],
  ] as const)('ends what waits when its %s are spent', async (which, budget, { limit }) => {
    const fleet = await started([1]);
    const [a = '', b = '', c = ''] = await fleet.start(3, { task_budget: budget });
    await isRunning(fleet, a);
    await end(fleet, a, used(1_000, 3), 1_950);
    for (const runId of [b, c]) {
      expect(await fleet.ended(runId)).toMatchObject({
        status: 'failed',
        outcome: { kind: 'limit', which },
        error: expect.stringContaining(`budget: ${String(limit)} `),
        attempts: [],
      });
    }
    expect(fleet.parts.readiness.size).toBe(0);
    const [late = ''] = await fleet.start(1);
    expect((await fleet.ended(late)).outcome).toEqual({ kind: 'limit', which });
    const [other = ''] = await fleet.start(1, { task_id: 'other' });
    await isRunning(fleet, other);
  });

  it('allows so many runs and refuses the others with all of their call', async () => {
    const fleet = await started([1]);
    await fleet.start(2, { task_budget: { runs: 3 } });
    await expect(fleet.start(2)).rejects.toMatchObject({
      code: 'BUDGET_SPENT',
      message: expect.stringContaining('3 runs'),
    });
    await fleet.start(1);
    await expect(fleet.start(1)).rejects.toMatchObject({ code: 'BUDGET_SPENT' });
    expect(await fleet.store.open()).toHaveLength(3);
  });

  it('can be lowered by a later call, and not raised', async () => {
    const fleet = await started([1]);
    const [a = '', b = ''] = await fleet.start(2, { task_budget: { tokens: 1_000 } });
    await isRunning(fleet, a);
    const raised = fleet.start(1, { task_budget: { tokens: 1_001 } });
    await expect(raised).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('has 1000'),
    });
    const [c = ''] = await fleet.start(1, { task_budget: { tokens: 500 } });
    await end(fleet, a, used(500));
    expect((await fleet.ended(b)).outcome).toEqual({ kind: 'limit', which: 'tokens' });
    expect((await fleet.ended(c)).outcome).toEqual({ kind: 'limit', which: 'tokens' });
  });

  it('is kept over a restart, with what was used and what is held', async () => {
    const fleet = await started([2]);
    const [a = '', b = '', c = ''] = await fleet.start(3, { task_budget: { tokens: 100_000 } });
    await isRunning(fleet, b);
    await end(fleet, a, used(30_000));
    await isRunning(fleet, c);
    const [d = ''] = await fleet.start(1);
    expect(await waitingFor(fleet, d)).toBe('budget');
    const again = await fleet.again();
    await allUp(again);
    expect(await waitingFor(again, d)).toBe('budget');
    await end(again, b, used(45_000));
    expect(await isRunning(again, d)).toEqual({ tokens: 5_000 });
  });

  it('gives nothing back that a cancelled or held run did not have, and all of what it had', async () => {
    const fleet = await started([1]);
    const [a = '', b = '', c = ''] = await fleet.start(3, {
      task_budget: { tokens: 1_000 },
      max_tokens: 400,
    });
    await isRunning(fleet, a);
    expect(await waitingFor(fleet, c)).toBe('budget');
    // b has its share and waits for a slot.
    expect(await waitingFor(fleet, b)).toBe('a free slot');
    await fleet.tools.cancel_run({ run_ids: [b] }, fleet.call);
    expect(await waitingFor(fleet, c)).toBe('a free slot');
    await fleet.tools.pause_run({ run_id: c }, fleet.call);
    const [d = ''] = await fleet.start(1, { max_tokens: 600 });
    expect(await waitingFor(fleet, d)).toBe('a free slot');
    await fleet.tools.resume_run({ run_id: c }, fleet.call);
    expect(await waitingFor(fleet, c)).toBe('budget');
  });

  it('is given to a run that goes on with its thread only once', async () => {
    const fleet = await started([1]);
    const [a = ''] = await fleet.start(1, { task_budget: { tokens: 1_000 } });
    await isRunning(fleet, a);
    const { worker, run } = told(fleet, a);
    worker.tell(run, { usage: used(300) });
    await fleet.until(a, ({ usage }) => usage !== undefined);
    await worker.die(() => ({
      status: 'paused',
      outcome: { kind: 'lost', resumable: true },
      engine_thread_id: 'th',
    }));
    const resumed = await fleet.until(a, ({ attempts }) => attempts[1]?.remote_run_id !== undefined);
    expect(resumed.attempts.map((attempt) => attempt.reserved)).toEqual([
      { tokens: 1_000 },
      { tokens: 1_000 },
    ]);
    worker.tell(told(fleet, a).run, { usage: used(800, 2) });
    const counted = await fleet.until(a, ({ usage }) => usage?.calls === 2);
    expect(counted.attempts.map((attempt) => attempt.usage?.calls)).toEqual([1, 1]);
    expect(counted.usage).toEqual(used(800, 2));
  });

  it('stands in the index of the task with what was used', async () => {
    const fleet = await started([1]);
    const [a = ''] = await fleet.start(1, { task_budget: { tokens: 1_000, runs: 5 } });
    await isRunning(fleet, a);
    await end(fleet, a, used(300, 2), 70);
    const index = newTaskIndex('local', 'task');
    await readOn(index, fleet.store, 0, async () => undefined);
    expect(taskManifest(index, await fleet.store.taskBudget('local', 'task')).budget).toEqual({
      limits: { tokens: 1_000, runs: 5 },
      used: { tokens: 300, turns: 2, wall_ms: 70, attempts: 1 },
    });
  });

  it('names the time of a task where that ran out before the run’s own', async () => {
    const fleet = await started([1]);
    const [a = ''] = await fleet.start(1, { task_budget: { wall_ms: 500 }, wall_ms: 10_000 });
    expect(await isRunning(fleet, a)).toEqual({ wall_ms: 500 });
    const { worker, run } = told(fleet, a);
    worker.tell(run, { status: 'failed', outcome: { kind: 'timeout', wall_ms: 500 }, ended_at: Date.now() });
    expect((await fleet.ended(a)).outcome).toEqual({ kind: 'limit', which: 'wall' });
  });
});

it('gives a run no more than its own budget, with none for its task', async () => {
  const fleet = await started([1]);
  const [a = ''] = await fleet.start(1, { max_tokens: 500, max_turns: 4 });
  expect(await isRunning(fleet, a)).toEqual({ tokens: 500, turns: 4 });
});
