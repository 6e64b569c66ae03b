import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openTestWorker, recordOf, until, type WorkerPeer } from './support/test-worker.ts';

const cwd = '/tmp';

async function start(
  peer: WorkerPeer,
  pipeline: string,
  extra: Record<string, unknown> = {},
): Promise<string> {
  const { runs } = await peer.call('start_run', { pipeline, cwd, prompt: 'p', ...extra });
  return runs[0]?.run_id ?? '';
}

/** Microtasks, and then turns of the event loop, after which something happens. */
const moments = [
  ...Array.from({ length: 30 }, (_, microtasks) => ({ microtasks, turns: 0 })),
  { microtasks: 0, turns: 1 },
  { microtasks: 0, turns: 3 },
];

async function later({ microtasks, turns }: (typeof moments)[number]): Promise<void> {
  for (let n = 0; n < microtasks; n += 1) await Promise.resolve();
  for (let n = 0; n < turns; n += 1) await new Promise((resolve) => setImmediate(resolve));
}

const wrongState = { code: 'WRONG_STATE' };

describe('a run that is halted where it stands', () => {
  test('keeps its slot, and goes on in the same session', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    const run_id = await start(peer, 'tell');
    const session = await worker.command.session(1);
    expect(await peer.call('pause_run', { run_id })).toMatchObject({ status: 'paused', how: 'stopped' });
    expect(await peer.call('pause_run', { run_id })).toMatchObject({ status: 'paused', how: 'stopped' });
    expect(await peer.call('describe_worker', {})).toMatchObject({ busy: 1 });
    expect(recordOf(worker.dir, run_id)).toMatchObject({ how: 'stopped', detail: { status: 'paused' } });
    expect(await peer.call('resume_run', { run_id })).toMatchObject({ status: 'running' });
    expect(session.continued).toBe(1);
    session.finish({ kind: 'exit', code: 0 });
    expect(await until(peer, run_id, 'completed')).not.toHaveProperty('error');
  });

  test('can be cancelled as it is', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run_id = await start(peer, 'tell');
    await worker.command.session(1);
    await peer.call('pause_run', { run_id });
    expect((await peer.call('cancel_run', { run_ids: [run_id] })).runs[0]?.status).toBe('cancelled');
    expect(await peer.call('describe_worker', {})).toMatchObject({ busy: 0 });
  });

  test('goes on with its next stage, however soon after the end of its stage it is resumed', async () => {
    const worker = await openTestWorker({ slots: 4 });
    const peer = await worker.connect();
    for (const [at, turns] of moments.entries()) {
      const run_id = await start(peer, 'both');
      const first = await worker.command.session(at + 1);
      const run = worker.runs.findLive(run_id, 'jane');
      await run.pause();
      first.finish({ kind: 'exit', code: 0 });
      await later(turns);
      await run.resume({});
      const second = await worker.codex.session(at + 1);
      expect(second.context).toMatchObject({ run_id, stage: { name: 'second' } });
      expect(run.status).toBe('running');
      await peer.call('cancel_run', { run_ids: [run_id] });
    }
    expect(await peer.call('describe_worker', {})).toMatchObject({ busy: 0 });
  });

  test('whose stage has ended rests before the next one, its slot free', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    const run_id = await start(peer, 'both');
    const first = await worker.command.session(1);
    await peer.call('pause_run', { run_id });
    const { cursor } = await peer.call('poll_run', { run_ids: [run_id] });
    first.finish({ kind: 'exit', code: 0 });
    await peer.call('poll_run', { run_ids: [run_id], cursor, wait_ms: 5_000 });
    expect(recordOf(worker.dir, run_id)).toMatchObject({ how: 'turn_boundary', progress: { stage: 1 } });
    expect(await peer.call('describe_worker', {})).toMatchObject({ busy: 0 });
    await expect(peer.call('resume_run', { run_id, message: 'x' })).rejects.toMatchObject(wrongState);
  });
});

describe('a run that is paused at the turn boundary', () => {
  test('frees its slot and goes on in a new session of its thread, with the message', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    const run_id = await start(peer, 'ask');
    const first = await worker.codex.session(1);
    first.context.report({ kind: 'thread', thread_id: 'th-1' });
    first.write('stdout', 'before\n');
    expect(await peer.call('pause_run', { run_id })).toMatchObject({ how: 'turn_boundary' });
    expect(await peer.call('describe_worker', {})).toMatchObject({ busy: 0 });
    const paused = await until(peer, run_id, 'paused');
    expect(paused).not.toHaveProperty('outcome');
    expect(paused.handles).toMatchObject([{ state: 'sealed', truncated: false }]);
    const other = await start(peer, 'tell');
    await expect(peer.call('resume_run', { run_id })).rejects.toMatchObject({
      code: 'NO_CAPACITY',
      retryable: true,
    });
    await peer.call('cancel_run', { run_ids: [other] });
    expect(await peer.call('resume_run', { run_id, message: 'hurry' })).toMatchObject({ status: 'running' });
    expect(recordOf(worker.dir, run_id)).toMatchObject({ detail: { status: 'running' } });
    const second = await worker.codex.session(2);
    expect(second.context.resume).toEqual({ thread_id: 'th-1', message: 'hurry' });
    second.write('stdout', 'after\n');
    second.finish({ kind: 'exit', code: 0 });
    const detail = await until(peer, run_id, 'completed');
    expect(detail.preview).toContain('1: before');
    expect(detail.preview).toContain('1: after');
    expect(detail.handles).toHaveLength(2);
  });

  test('is cancelled without a session, and stays so', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run_id = await start(peer, 'ask');
    (await worker.codex.session(1)).context.report({ kind: 'thread', thread_id: 'th-1' });
    await peer.call('pause_run', { run_id });
    expect((await peer.call('cancel_run', { run_ids: [run_id] })).runs[0]?.status).toBe('cancelled');
    await expect(peer.call('resume_run', { run_id })).rejects.toMatchObject(wrongState);
    expect(recordOf(worker.dir, run_id).detail).toMatchObject({
      status: 'cancelled',
      outcome: { kind: 'cancelled' },
    });
  });

  test('is not resumed where the engine refuses by now, and is paused as before', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    const run_id = await start(peer, 'ask');
    (await worker.codex.session(1)).context.report({ kind: 'thread', thread_id: 'th-1' });
    await peer.call('pause_run', { run_id });
    worker.codex.check = () => Promise.reject(new Error('gone'));
    await expect(peer.call('resume_run', { run_id })).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(await peer.call('describe_worker', {})).toMatchObject({ busy: 0 });
    worker.codex.check = () => Promise.resolve();
    await peer.call('resume_run', { run_id });
    await worker.codex.session(2);
  });

  test('a thread that broke off by itself rests as lost and can go on', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run_id = await start(peer, 'ask');
    const session = await worker.codex.session(1);
    session.context.report({ kind: 'thread', thread_id: 'th-1' });
    session.finish({ kind: 'lost', resumable: true });
    const detail = await until(peer, run_id, 'paused');
    expect(detail.outcome).toEqual({ kind: 'lost', resumable: true });
    await peer.call('resume_run', { run_id });
    expect((await worker.codex.session(2)).context.resume).toEqual({ thread_id: 'th-1', message: undefined });
  });

  test('is cancelled, however soon after the pause', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    for (const [at, turns] of moments.entries()) {
      const run_id = await start(peer, 'ask');
      const session = await worker.codex.session(at + 1);
      session.context.report({ kind: 'thread', thread_id: 'th-1' });
      session.finish({ kind: 'lost', resumable: true });
      await later(turns);
      worker.runs.findLive(run_id, 'jane').end({ kind: 'cancelled' });
      await until(peer, run_id, 'cancelled');
    }
  });

  test('a cancel that comes while it pauses wins', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run_id = await start(peer, 'ask');
    const session = await worker.codex.session(1);
    session.endsAtOnce = false;
    const cancelling = peer.call('cancel_run', { run_ids: [run_id] });
    const pausing = peer.call('pause_run', { run_id });
    await expect(pausing).rejects.toMatchObject(wrongState);
    expect((await cancelling).runs[0]?.status).toBe('cancelled');
  });
});

describe('questions and messages', () => {
  const question = { kind: 'command' as const, text: 'run make?' };

  test('a question is the state of the run until it is answered', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run_id = await start(peer, 'ask');
    const session = await worker.codex.session(1);
    session.context.report({ kind: 'question', question });
    const first = await until(peer, run_id, 'input_required');
    expect(first).toMatchObject({ question });
    const { runs, next } = await peer.call('poll_run', { run_ids: [run_id] });
    expect(runs[0]?.question).toBe('run make?');
    expect(next).toContain('resume_run');
    await expect(peer.call('resume_run', { run_id })).rejects.toMatchObject({
      ...wrongState,
      next: expect.stringContaining('answer'),
    });
    expect(await peer.call('resume_run', { run_id, answer: 'decline' })).toMatchObject({ status: 'running' });
    expect(session.answers).toEqual(['decline']);
    await expect(peer.call('resume_run', { run_id, answer: 'accept' })).rejects.toMatchObject(wrongState);
    session.context.report({ kind: 'question', question });
    const again = await until(peer, run_id, 'input_required');
    expect(again.question?.asked_at).toBeGreaterThan(first.question?.asked_at ?? Infinity);
  });

  test('a message steers running work; none changes nothing', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run_id = await start(peer, 'ask');
    const session = await worker.codex.session(1);
    await peer.call('resume_run', { run_id, message: 'leave the tests' });
    await peer.call('resume_run', { run_id });
    expect(session.steered).toEqual(['leave the tests']);
  });

  test('time that is paused or waits for an answer does not count as wall time', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const halted = await start(peer, 'tell', { wall_ms: 400 });
    const asking = await start(peer, 'ask', { wall_ms: 400 });
    const session = await worker.codex.session(1);
    session.context.report({ kind: 'question', question });
    await peer.call('pause_run', { run_id: halted });
    await delay(600);
    expect(
      (await peer.call('poll_run', { run_ids: [halted, asking] })).runs.map((run) => run.status).sort(),
    ).toEqual(['input_required', 'paused']);
    await peer.call('resume_run', { run_id: halted });
    await peer.call('resume_run', { run_id: asking, answer: 'accept' });
    for (const run of [halted, asking]) {
      expect(await until(peer, run, 'failed')).toMatchObject({ outcome: { kind: 'timeout' } });
    }
  });

  test('nothing can be asked of a run that has ended; cancelling it again is no error', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run_id = await start(peer, 'tell');
    (await worker.command.session(1)).finish({ kind: 'exit', code: 0 });
    await until(peer, run_id, 'completed');
    await expect(peer.call('pause_run', { run_id })).rejects.toMatchObject(wrongState);
    await expect(peer.call('resume_run', { run_id })).rejects.toMatchObject(wrongState);
    const reply = await peer.call('cancel_run', { run_ids: [run_id] });
    expect(reply).toEqual({
      runs: [{ run_id, status: 'completed' }],
      next: 'Handles stay readable by read_handle.',
    });
  });

  test('a task is cancelled as a whole', async () => {
    const worker = await openTestWorker({ slots: 3 });
    const peer = await worker.connect();
    await peer.call('start_run', { pipeline: 'tell', cwd, task_id: 't', runs: [{}, {}, {}] });
    (await worker.command.session(1)).finish({ kind: 'exit', code: 0 });
    await peer.call('poll_run', { task_id: 't', wait_ms: 5_000, until: 'any' });
    const { runs } = await peer.call('cancel_run', { task_id: 't' });
    expect(runs.map((run) => run.status).sort()).toEqual(['cancelled', 'cancelled', 'completed']);
  });
});
