import { describe, expect, it } from 'vitest';
import { FleetError } from '../../core/errors.ts';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { createTasks, offersTask } from '../../coordinator/tasks.ts';
import type { TaskSource, TaskView } from '../../mcp/tasks.ts';
import type { RunDetail } from '../../schemas/worker.ts';
import { fleetContracts, maxReplyBytes } from '../../schemas/tools.ts';
import { handleOf } from '../helpers/runs.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

interface Setting {
  fleet: FakeFleet;
  tasks: TaskSource;
  /** What resume_run was asked. */
  resumed: unknown[];
  runId: string;
  /** The worker tells of the run. */
  tell(change: Partial<RunDetail>): void;
  task(): Promise<TaskView>;
}

function tasksOf(fleet: FakeFleet, owner = 'local', resumed: unknown[] = []): TaskSource {
  const { cancel_run, resume_run } = fleet.tools;
  const recording: typeof resume_run = (input, call) => {
    resumed.push(input);
    return resume_run(input, call);
  };
  return createTasks(fleet.parts, { cancel_run, resume_run: recording }, owner);
}

/** A run under way on a worker. */
async function underWay(): Promise<Setting> {
  const fleet = await fakeFleet();
  await allUp(fleet);
  const resumed: unknown[] = [];
  const tasks = tasksOf(fleet, 'local', resumed);
  const [runId = ''] = await fleet.start(1);
  await fleet.until(runId, (run) => run.attempts[0]?.remote_run_id !== undefined);
  return {
    fleet,
    tasks,
    resumed,
    runId,
    tell: (change) => fleet.workers[0]?.tell(fleet.workers[0].byKey(attemptKey(runId, 1)), change),
    task: async () => known(await tasks.get(runId)),
  };
}

function known(task: TaskView | undefined): TaskView {
  if (task === undefined) throw new Error('no such task');
  return task;
}

const asks = (text: string, at: number): Partial<RunDetail> => ({
  status: 'input_required',
  question: { kind: 'command', text, asked_at: at },
});

describe('a call is offered as a task', () => {
  it('where it starts one run', () => {
    expect(offersTask({ name: 'start_run', arguments: { prompt: 'Fix it' } })).toBe(true);
    expect(offersTask({ name: 'start_run' })).toBe(true);
  });

  it('but not as a batch, even of one, nor for another tool', () => {
    expect(offersTask({ name: 'start_run', arguments: { runs: [{ prompt: 'Fix it' }] } })).toBe(false);
    expect(offersTask({ name: 'poll_run', arguments: {} })).toBe(false);
  });
});

describe('a task', () => {
  it('is the run, as soon as it is accepted', async () => {
    const fleet = await fakeFleet({ slots: [] });
    const structuredContent = await fleet.tools.start_run(
      { pipeline: 'work', cwd: fleet.folder },
      fleet.call,
    );
    const task = known(await tasksOf(fleet).fromResult({ content: [], structuredContent }));
    expect(task).toEqual({
      taskId: structuredContent.runs[0]?.run_id,
      status: 'working',
      statusMessage: 'pending: waits for a worker',
      createdAt: new Date(fleet.clock.nowMs).toISOString(),
      lastUpdatedAt: new Date(fleet.clock.nowMs).toISOString(),
      ttlMs: null,
      pollIntervalMs: 1_000,
    });
    expect(await tasksOf(fleet).get(task.taskId)).toEqual(task);
  });

  it('of what is no answer of start_run is none', async () => {
    const fleet = await fakeFleet();
    expect(await tasksOf(fleet).fromResult({ content: [] })).toBeUndefined();
  });

  it('is at work while the run goes on, and known to the next coordinator', async () => {
    const { fleet, runId, task } = await underWay();
    expect(await task()).toMatchObject({ status: 'working', statusMessage: 'running on local-1' });
    const next = tasksOf(await fleet.again());
    expect(await next.get(runId)).toMatchObject({ taskId: runId, status: 'working' });
  });

  it('of a run that failed is completed, and its result says how', async () => {
    const { fleet, runId, tell, task } = await underWay();
    const handle = handleOf();
    const { worker_id: _worker, attempt: _attempt, ...told } = handle;
    const preview = 'stdout (1 line)\n1: no such test';
    const endedAt = Date.now() + 60_000;
    tell({
      status: 'failed',
      outcome: { kind: 'exit', code: 3 },
      ended_at: endedAt,
      handles: [told],
      preview,
    });
    await fleet.ended(runId);
    const { result, ...view } = await task();
    expect(view).toMatchObject({ status: 'completed', statusMessage: 'failed: exit 3' });
    expect(Date.parse(view.lastUpdatedAt)).toBe(endedAt);
    const { handle_id, stream, bytes, lines } = handle;
    const run = {
      run_id: runId,
      status: 'failed',
      outcome: 'exit 3',
      handles: [{ handle_id, stream, bytes, lines }],
      preview,
    };
    expect(result?.structuredContent).toMatchObject({ task_id: 'task', runs: [run] });
    expect(result?.structuredContent['next']).toBe(`read_handle {"handle_id":"${handle_id}","mode":"tail"}`);
    fleetContracts.start_run.output.parse(result?.structuredContent);
  });

  it('has a result of one reply at most, however much the run left', async () => {
    const { fleet, runId, tell, task } = await underWay();
    const handles = Array.from({ length: 200 }, (_, at) => handleOf({ stage: `stage-${String(at)}` }));
    const preview = 'stdout\n' + '1: "quoted" line\n'.repeat(2_000);
    const told = handles.map(({ worker_id: _worker, attempt: _attempt, ...handle }) => handle);
    tell({ status: 'completed', outcome: { kind: 'exit', code: 0 }, ended_at: 1, handles: told, preview });
    await fleet.ended(runId);
    const { result } = await task();
    expect(Buffer.byteLength(JSON.stringify(result?.structuredContent))).toBeLessThanOrEqual(maxReplyBytes);
    expect(result?.structuredContent).toMatchObject({ runs: [{ handles_omitted: expect.any(Number) }] });
    fleetContracts.start_run.output.parse(result?.structuredContent);
  });
});

describe('cancelling a task', () => {
  it('cancels the run; twice is once', async () => {
    const { fleet, tasks, runId, task } = await underWay();
    expect(await Promise.all([tasks.cancel(runId), tasks.cancel(runId)])).toEqual([true, true]);
    await fleet.ended(runId);
    expect(await tasks.cancel(runId)).toBe(true);
    const view = await task();
    expect(view).toMatchObject({ status: 'cancelled', statusMessage: 'cancelled: cancelled' });
    expect(view).not.toHaveProperty('result');
  });

  it('changes nothing of a run that has ended', async () => {
    const { fleet, tasks, runId, tell, task } = await underWay();
    tell({ status: 'completed', outcome: { kind: 'exit', code: 0 }, ended_at: 1 });
    await fleet.ended(runId);
    expect(await tasks.cancel(runId)).toBe(true);
    expect(await task()).toMatchObject({ status: 'completed' });
  });
});

it('tasks of another owner, and of nobody, are unknown', async () => {
  const { fleet, runId, task } = await underWay();
  const others = tasksOf(fleet, 'somebody else');
  const unknown = tasksOf(fleet);
  for (const [tasks, id] of [[others, runId] as const, [unknown, 'run_nobody'] as const]) {
    expect(await tasks.get(id)).toBeUndefined();
    expect(await tasks.cancel(id)).toBe(false);
    expect(await tasks.update(id, {})).toBe(false);
  }
  expect(await task()).toMatchObject({ status: 'working' });
});

describe('a question', () => {
  async function asked(setting: Setting, text: string, at: number): Promise<string> {
    setting.tell(asks(text, at));
    await setting.fleet.until(setting.runId, (run) => run.question?.asked_at === at);
    const { status, inputRequests = {} } = await setting.task();
    expect(status).toBe('input_required');
    const [entry] = Object.entries(inputRequests);
    expect(entry?.[1]).toEqual({
      method: 'elicitation/create',
      params: {
        mode: 'form',
        message: `${setting.runId} asks:\n\n> ${text}`,
        requestedSchema: { type: 'object', properties: {} },
      },
    });
    return entry?.[0] ?? '';
  }

  it.each([
    ['accept', { action: 'accept', content: {} }],
    ['decline', { action: 'decline' }],
    ['decline', { action: 'cancel' }],
    ['decline', 'nonsense'],
  ])('is answered: %s by %j', async (answer, response) => {
    const setting = await underWay();
    const { tasks, runId, resumed } = setting;
    const key = await asked(setting, 'Run make?', 7);
    expect(await tasks.update(runId, { [key]: response })).toBe(true);
    expect(resumed).toEqual([{ run_id: runId, answer }]);
    expect(await setting.task()).toMatchObject({ status: 'working' });
  });

  it('is asked under a key of its own, even in the same words, and answered once', async () => {
    const setting = await underWay();
    const { tasks, runId, resumed } = setting;
    const first = await asked(setting, 'Run make?', 7);
    expect(await asked(setting, 'Run make?', 7)).toBe(first);
    await tasks.update(runId, { [first]: { action: 'accept' } });
    await tasks.update(runId, { [first]: { action: 'accept' } });
    expect(resumed).toHaveLength(1);
    const second = await asked(setting, 'Run make?', 8);
    expect(second).not.toBe(first);
    expect(await tasks.update(runId, { [first]: { action: 'accept' }, other: { action: 'accept' } })).toBe(
      true,
    );
    expect(resumed).toHaveLength(1);
  });

  it('somebody else just answered is no error; one that could not be passed on is', async () => {
    const setting = await underWay();
    const { fleet, runId } = setting;
    const key = await asked(setting, 'Run make?', 7);
    const failing = (code: 'WRONG_STATE' | 'WORKER_UNAVAILABLE'): TaskSource => {
      const resume_run = () => Promise.reject(new FleetError(code, 'no'));
      return createTasks(fleet.parts, { ...fleet.tools, resume_run }, 'local');
    };
    const responses = { [key]: { action: 'accept' } };
    expect(await failing('WRONG_STATE').update(runId, responses)).toBe(true);
    await expect(failing('WORKER_UNAVAILABLE').update(runId, responses)).rejects.toThrow('no');
  });
});
