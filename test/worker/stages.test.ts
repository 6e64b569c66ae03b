import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../helpers/processes.ts';
import { ScriptedSession } from './support/scripted-engine.ts';
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

describe('the stages of a run', () => {
  test('follow one another, each with handles of its own', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, 'both');
    const first = await worker.command.session(1);
    first.write('stdout', 'one\n');
    first.finish({ kind: 'exit', code: 0 });
    const second = await worker.codex.session(1);
    expect(second.context.stage.name).toBe('second');
    second.write('events', '{}\n');
    second.write('last_message', 'two');
    second.finish({ kind: 'exit', code: 0 });
    const third = await worker.command.session(2);
    third.write('stdout', 'three\n');
    third.finish({ kind: 'exit', code: 0 });
    const detail = await until(peer, run, 'completed');
    expect(
      detail.handles.map((handle) => [
        handle.stage,
        handle.stream,
        handle.media_type,
        handle.state,
        handle.bytes,
      ]),
    ).toEqual([
      ['first', 'stdout', 'text/plain; charset=utf-8', 'sealed', 4],
      ['second', 'events', 'application/jsonl', 'sealed', 3],
      ['second', 'last_message', 'text/plain; charset=utf-8', 'sealed', 3],
      ['third', 'stdout', 'text/plain; charset=utf-8', 'sealed', 6],
    ]);
    expect(detail.preview).toContain('1: one');
    expect(detail.preview).toContain('1: three');
  });

  test('only those asked for run', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, 'both', { stages: ['third'] });
    const session = await worker.command.session(1);
    expect(session.context.stage.name).toBe('third');
    session.finish({ kind: 'exit', code: 0 });
    await until(peer, run, 'completed');
    expect(worker.codex.sessions).toHaveLength(0);
  });

  test('stop at the first that fails', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, 'both');
    (await worker.command.session(1)).finish({ kind: 'exit', code: 3 });
    expect(await until(peer, run, 'failed')).toMatchObject({ outcome: { kind: 'exit', code: 3 } });
    expect(worker.codex.sessions).toHaveLength(0);
  });

  test('go on after a failure where the pipeline says so, and the first failure is the outcome', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, 'stubborn');
    (await worker.command.session(1)).finish({ kind: 'spawn', errno: 'ENOENT' }, 'There is no such program.');
    (await worker.command.session(2)).finish({ kind: 'exit', code: 0 });
    expect(await until(peer, run, 'failed')).toMatchObject({
      outcome: { kind: 'spawn', errno: 'ENOENT' },
      error: 'There is no such program.',
    });
  });

  test('a cancel ends all of them, whatever the pipeline says of failures', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, 'stubborn');
    await worker.command.session(1);
    const reply = await peer.call('cancel_run', { run_ids: [run] });
    expect(reply.runs).toEqual([{ run_id: run, status: 'cancelled' }]);
    expect(worker.command.sessions).toHaveLength(1);
  });

  test('an engine that throws fails its run and nothing else', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    worker.codex.start = () => {
      throw new Error('secret detail');
    };
    const run = await start(peer, 'ask');
    const detail = await until(peer, run, 'failed');
    expect(detail.outcome).toMatchObject({ kind: 'engine', code: 'internal' });
    expect(JSON.stringify(detail)).not.toContain('secret detail');
    expect(await peer.call('describe_worker', {})).toMatchObject({ busy: 0 });
  });

  test('what engines say is kept: usage added up, decisions, notes once, the reaping, the thread', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, 'ask');
    const session = await worker.codex.session(1);
    const usage = {
      calls: 1,
      input_tokens: 10,
      cached_input_tokens: 5,
      output_tokens: 2,
      reasoning_tokens: 1,
    };
    session.context.report({ kind: 'thread', thread_id: 'th-1' });
    session.context.report({ kind: 'usage', usage });
    session.context.report({ kind: 'usage', usage });
    session.context.report({ kind: 'decision', asked: 'make', answer: 'declined', by: 'policy' });
    session.context.report({ kind: 'note', text: 'no network' });
    session.context.report({ kind: 'note', text: 'no network' });
    session.context.report({ kind: 'reaping', reaping: 'cgroup' });
    session.finish({ kind: 'exit', code: 0 });
    expect(await until(peer, run, 'completed')).toMatchObject({
      usage: { calls: 2, input_tokens: 20, cached_input_tokens: 10, output_tokens: 4, reasoning_tokens: 2 },
      decisions: [{ asked: 'make', answer: 'declined', by: 'policy' }],
      notes: ['no network'],
      reaping: 'cgroup',
      engine_thread_id: 'th-1',
    });
  });

  test('the private folders of a run are gone after its end, its record and handles stay', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, 'ask');
    const session = await worker.codex.session(1);
    const { tmpDir, homeDir } = session.context;
    writeFileSync(join(tmpDir, 'left'), '');
    session.finish({ kind: 'exit', code: 0 });
    await until(peer, run, 'completed');
    await eventually(() => !existsSync(tmpDir) && !existsSync(homeDir));
    expect(readdirSync(join(worker.dir, 'runs'))).toEqual(['records.jsonl']);
    expect(recordOf(worker.dir, run).detail.status).toBe('completed');
  });
});

describe('limits', () => {
  test('wall time ends a run as a timeout', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, 'tell', { wall_ms: 100 });
    expect(await until(peer, run, 'failed')).toMatchObject({ outcome: { kind: 'timeout', wall_ms: 100 } });
  });

  test('output over the cap, counted over all streams and stages, is cut there and ends the run', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, 'stubborn', { output_bytes: 1024 });
    const first = await worker.command.session(1);
    first.write('stdout', 'a'.repeat(500));
    first.finish({ kind: 'exit', code: 0 });
    const second = await worker.command.session(2);
    second.write('stderr', 'b'.repeat(500));
    second.write('stdout', 'c'.repeat(500));
    second.write('stdout', 'more');
    const detail = await until(peer, run, 'failed');
    expect(detail.outcome).toEqual({ kind: 'limit', which: 'output' });
    expect(detail.handles.map(({ stream, bytes, truncated }) => ({ stream, bytes, truncated }))).toEqual([
      { stream: 'stdout', bytes: 500, truncated: false },
      { stream: 'stderr', bytes: 500, truncated: false },
      { stream: 'stdout', bytes: 24, truncated: true },
    ]);
  });

  test('an engine that passes the cap while it starts is ended as well', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    worker.command.start = (context) => {
      context.output.write('stdout', Buffer.alloc(5_000, 'x'));
      return new ScriptedSession(context, 'stopped');
    };
    const run = await start(peer, 'tell', { output_bytes: 1024 });
    expect(await until(peer, run, 'failed')).toMatchObject({
      outcome: { kind: 'limit', which: 'output' },
      handles: [{ bytes: 1024, truncated: true }],
    });
  });

  test('output of exactly the cap is no breach', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, 'tell', { output_bytes: 1024 });
    const session = await worker.command.session(1);
    session.write('stdout', 'a'.repeat(1024));
    session.finish({ kind: 'exit', code: 0 });
    expect((await until(peer, run, 'completed')).handles[0]).toMatchObject({ bytes: 1024, truncated: false });
  });

  test('an engine that cut a stream itself marks it', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run = await start(peer, 'tell');
    const session = await worker.command.session(1);
    session.write('stdout', 'half');
    session.context.output.truncated('stdout');
    session.finish({ kind: 'exit', code: 0 });
    expect((await until(peer, run, 'completed')).handles[0]?.truncated).toBe(true);
  });
});
