import { describe, expect, test } from 'vitest';
import { openTestWorker, until, type WorkerPeer } from './support/test-worker.ts';
import type { ScriptedSession } from './support/scripted-engine.ts';

const cwd = '/tmp';

async function start(peer: WorkerPeer, extra: Record<string, unknown>): Promise<string> {
  const { runs } = await peer.call('start_run', { pipeline: 'ask', cwd, prompt: 'p', ...extra });
  return runs[0]?.run_id ?? '';
}

function call(session: ScriptedSession, input: number, output: number, goesOn = false): void {
  const usage = {
    calls: 1,
    input_tokens: input,
    cached_input_tokens: input - 1,
    output_tokens: output,
    reasoning_tokens: 0,
  };
  session.context.report({ kind: 'usage', usage, goes_on: goesOn });
}

describe('a run with a budget', () => {
  test('is ended by the model call that passes its tokens, cached ones counted, its output kept', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, { max_tokens: 100 });
    const session = await worker.codex.session(1);
    session.write('stdout', 'part\n');
    call(session, 40, 10);
    call(session, 45, 5);
    expect(session.cause).toBeUndefined();
    call(session, 1, 0);
    const detail = await until(peer, run, 'failed');
    expect(detail).toMatchObject({
      outcome: { kind: 'limit', which: 'tokens' },
      error: expect.stringContaining('100 tokens'),
      usage: { calls: 3, input_tokens: 86, output_tokens: 15 },
      handles: [{ stream: 'stdout', state: 'sealed', bytes: 5 }],
    });
    expect(detail.active_ms).toBeGreaterThanOrEqual(0);
  });

  test('is ended by the model call that passes its turns', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, { max_turns: 2 });
    const session = await worker.codex.session(1);
    call(session, 10, 1, true);
    call(session, 10, 1);
    expect(session.cause).toBeUndefined();
    call(session, 10, 1);
    expect((await until(peer, run, 'failed')).outcome).toEqual({ kind: 'limit', which: 'turns' });
  });

  test('is ended before a model call that would pass its turns', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, { max_turns: 2 });
    const session = await worker.codex.session(1);
    call(session, 10, 1, true);
    expect(session.cause).toBeUndefined();
    call(session, 10, 1, true);
    expect(await until(peer, run, 'failed')).toMatchObject({
      outcome: { kind: 'limit', which: 'turns' },
      usage: { calls: 2 },
    });
  });

  test('fails also where its engine tells what was used only at its end', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, { max_tokens: 100 });
    const session = await worker.codex.session(1);
    session.endsAtOnce = false;
    call(session, 200, 10);
    session.finish({ kind: 'exit', code: 0 });
    expect((await until(peer, run, 'failed')).outcome).toEqual({ kind: 'limit', which: 'tokens' });
  });

  test('goes on after a pause with what is left', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, { max_tokens: 100 });
    const session = await worker.codex.session(1);
    session.context.report({ kind: 'thread', thread_id: 'th' });
    call(session, 60, 10);
    await peer.call('pause_run', { run_id: run });
    await peer.call('resume_run', { run_id: run });
    call(await worker.codex.session(2), 60, 10);
    expect((await until(peer, run, 'failed')).outcome).toEqual({ kind: 'limit', which: 'tokens' });
  });
});

test.each([
  ['after', { runs: [{ after: ['a'] }] }],
  ['on_failure', { on_failure: 'stop' }],
  ['task_budget', { task_budget: { runs: 1 } }],
])('a worker refuses %s, which only a coordinator can serve', async (name, extra) => {
  const worker = await openTestWorker();
  const peer = await worker.connect();
  await expect(start(peer, extra)).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining(`"${name}"`),
  });
});
