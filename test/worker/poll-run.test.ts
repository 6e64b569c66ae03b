import { describe, expect, test } from 'vitest';
import { maxDetailBytes, maxReplyBytes } from '../../schemas/tools.ts';
import type { ScriptedEngine } from './support/scripted-engine.ts';
import { detailsOf, openTestWorker, until, type WorkerPeer } from './support/test-worker.ts';

const cwd = '/tmp';

async function start(peer: WorkerPeer, task: string, count = 1) {
  const reply = await peer.call('start_run', {
    pipeline: 'tell',
    cwd,
    task_id: task,
    runs: Array.from({ length: count }, () => ({})),
  });
  return { ids: reply.runs.map((run) => run.run_id), cursor: reply.cursor };
}

async function finishAll(engine: ScriptedEngine, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) (await engine.session(n)).finish({ kind: 'exit', code: 0 });
}

describe('poll_run', () => {
  test('wakes at the first output, tells nothing twice, and ends with the end', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const { ids, cursor } = await start(peer, 't');
    const waiting = peer.call('poll_run', { task_id: 't', cursor, wait_ms: 5_000 });
    const session = await worker.command.session(1);
    session.write('stdout', 'hello\n');
    const first = await waiting;
    expect(first.runs).toMatchObject([
      { run_id: ids[0], status: 'running', preview: 'stdout (1 line)\n1: hello' },
    ]);
    expect(first).toMatchObject({ more: false, open: 1 });
    const silence = await peer.call('poll_run', { task_id: 't', cursor: first.cursor });
    expect(silence).toMatchObject({ runs: [], cursor: first.cursor, open: 1 });
    session.finish({ kind: 'exit', code: 0 });
    const last = await peer.call('poll_run', { task_id: 't', cursor: first.cursor, wait_ms: 5_000 });
    expect(last.runs).toMatchObject([
      { status: 'completed', outcome: 'exit 0', handles: [{ stream: 'stdout', bytes: 6, lines: 1 }] },
    ]);
    expect(last.open).toBe(0);
    expect(await peer.call('poll_run', { task_id: 't', cursor: last.cursor, wait_ms: 5_000 })).toMatchObject({
      runs: [],
      open: 0,
    });
  });

  test('what happens within a moment is told once', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const { cursor } = await start(peer, 't');
    const waiting = peer.call('poll_run', { task_id: 't', cursor, wait_ms: 5_000 });
    const session = await worker.command.session(1);
    session.write('stdout', 'quick\n');
    session.finish({ kind: 'exit', code: 0 });
    expect((await waiting).runs).toMatchObject([{ status: 'completed' }]);
  });

  test('until any waits for an end, until all for the last', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const { cursor } = await start(peer, 't', 2);
    const poll = { task_id: 't', cursor, wait_ms: 5_000 };
    const any = peer.call('poll_run', { ...poll, until: 'any' });
    const all = peer.call('poll_run', { ...poll, until: 'all' });
    const [one, two] = [await worker.command.session(1), await worker.command.session(2)];
    one.write('stdout', 'news, but no end\n');
    await peer.call('poll_run', poll);
    two.finish({ kind: 'exit', code: 1 });
    const ended = await any;
    expect(ended.open).toBe(1);
    expect(ended.runs.map((run) => run.status).sort()).toEqual(['failed', 'running']);
    one.finish({ kind: 'exit', code: 0 });
    expect(await all).toMatchObject({ open: 0 });
  });

  test('a wait ends after wait_ms, when the caller cancels, and when the worker ends', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const { ids, cursor } = await start(peer, 't');
    const began = performance.now();
    const quiet = await peer.call('poll_run', { run_ids: ids, cursor, wait_ms: 80 });
    expect(quiet).toMatchObject({ runs: [], open: 1 });
    expect(performance.now() - began).toBeGreaterThanOrEqual(75);
    const gone = new AbortController();
    const aborted = peer.call('poll_run', { run_ids: ids, cursor, wait_ms: 20_000 }, { signal: gone.signal });
    gone.abort(new Error('gone'));
    await expect(aborted).rejects.toThrow('gone');
    const endless = peer.call('poll_run', { detail: true, cursor, wait_ms: 20_000, until: 'all' });
    await worker.stop('keep');
    expect((await endless).details).toMatchObject([
      { status: 'failed', outcome: { kind: 'lost', resumable: false } },
    ]);
  });

  test('another owner sees nothing of a run', async () => {
    const worker = await openTestWorker();
    const jane = await worker.connect('jane');
    const joe = await worker.connect('joe');
    const { ids } = await start(jane, 't');
    const [run_id = ''] = ids;
    const session = await worker.command.session(1);
    session.write('stdout', 'private\n');
    const detail = await until(jane, run_id, 'running');
    const handle_id = detail.handles[0]?.handle_id ?? '';
    const notFound = { code: 'NOT_FOUND' };
    await expect(joe.call('poll_run', { run_ids: [run_id] })).rejects.toMatchObject(notFound);
    await expect(joe.call('poll_run', { task_id: 't' })).rejects.toMatchObject(notFound);
    await expect(joe.call('read_handle', { handle_id })).rejects.toMatchObject(notFound);
    await expect(joe.call('cancel_run', { run_ids: [run_id] })).rejects.toMatchObject(notFound);
    await expect(joe.call('pause_run', { run_id })).rejects.toMatchObject(notFound);
    await expect(joe.call('resume_run', { run_id })).rejects.toMatchObject(notFound);
    expect(await detailsOf(joe)).toEqual([]);
    expect((await jane.call('read_handle', { handle_id })).text).toBe('private\n');
  });

  test('two owners use one request key for themselves', async () => {
    const worker = await openTestWorker();
    const call = { pipeline: 'tell', cwd, task_id: 't', request_key: 'k' };
    const a = await (await worker.connect('jane')).call('start_run', call);
    const b = await (await worker.connect('joe')).call('start_run', call);
    expect(a.runs[0]?.run_id).not.toBe(b.runs[0]?.run_id);
  });

  test('many runs with long output fit 8 KiB a reply and are all told over the cursors', async () => {
    const worker = await openTestWorker({ slots: 40 });
    const peer = await worker.connect();
    const { ids } = await start(peer, 't', 40);
    for (let n = 1; n <= 40; n += 1) {
      const session = await worker.command.session(n);
      session.write('stdout', 'a rather long line of output\n'.repeat(300));
      session.write('stderr', 'error: nothing works\n'.repeat(50));
      session.finish({ kind: 'exit', code: 1 });
    }
    await peer.call('poll_run', { task_id: 't', wait_ms: 10_000, until: 'all' });
    const told: string[] = [];
    let cursor = '0';
    for (let more = true; more;) {
      const reply = await peer.call('poll_run', { task_id: 't', cursor, preview_tokens: 2000 });
      expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(maxReplyBytes);
      told.push(...reply.runs.map((run) => run.run_id));
      ({ cursor, more } = reply);
    }
    expect([...told].sort()).toEqual([...ids].sort());
    expect(new Set(told).size).toBe(told.length);
  });

  test('details are told whole, all owned runs together, over cursors where they are many', async () => {
    const worker = await openTestWorker({ slots: 60 });
    const peer = await worker.connect();
    const { ids } = await start(peer, 't', 60);
    for (let n = 1; n <= 60; n += 1) {
      const session = await worker.command.session(n);
      for (let note = 0; note < 60; note += 1)
        session.context.report({ kind: 'note', text: `${String(note)} ${'x'.repeat(400)}` });
    }
    await finishAll(worker.command, 60);
    await peer.call('poll_run', { task_id: 't', wait_ms: 10_000, until: 'all' });
    const told: string[] = [];
    let cursor = '0';
    for (let more = true; more;) {
      const reply = await peer.call('poll_run', { detail: true, cursor });
      expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(maxDetailBytes);
      expect(reply.runs).toEqual([]);
      told.push(...(reply.details ?? []).map((detail) => detail.run_id));
      for (const detail of reply.details ?? []) expect(detail.notes).toHaveLength(50);
      ({ cursor, more } = reply);
    }
    expect([...told].sort()).toEqual([...ids].sort());
  });

  test('who follows by cursor misses nothing, and hears of the end before nothing is open', async () => {
    const worker = await openTestWorker({ slots: 30 });
    const peer = await worker.connect();
    const last = new Map<string, string>();
    let isOver = false;
    const follow = async (): Promise<void> => {
      for (let cursor = '0'; !isOver || last.size < 90;) {
        const reply = await peer.call('poll_run', { detail: true, cursor, wait_ms: 200 });
        for (const detail of reply.details ?? []) last.set(detail.run_id, detail.status);
        ({ cursor } = reply);
        const said = [...last.values()].filter((status) => status === 'running');
        if (reply.open === 0 && !reply.more) expect(said).toEqual([]);
        isOver ||= reply.open === 0 && last.size === 90;
      }
    };
    const following = follow();
    for (let round = 0; round < 3; round += 1) {
      const { ids } = await start(peer, `t${String(round)}`, 30);
      for (let n = 1; n <= ids.length; n += 1) {
        const session = await worker.command.session(round * 30 + n);
        session.context.report({ kind: 'thread', thread_id: 'th' });
        session.write('stdout', 'x\n');
        await new Promise((resolve) => setImmediate(resolve));
        session.finish({ kind: 'exit', code: 0 });
      }
      await peer.call('poll_run', { task_id: `t${String(round)}`, wait_ms: 10_000, until: 'all' });
    }
    await following;
    expect(new Set(last.values())).toEqual(new Set(['completed']));
  });

  test('whatever an engine says, the record of its run fits a reply', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const { runs } = await peer.call('start_run', { pipeline: 'ask', prompt: 'p', cwd });
    const session = await worker.codex.session(1);
    const flood = '\u0001"\\é'.repeat(10_000);
    for (let n = 0; n < 400; n += 1) {
      session.context.report({ kind: 'note', text: `${String(n)}${flood}` });
      session.context.report({ kind: 'decision', asked: flood, answer: 'declined', by: 'policy' });
    }
    session.context.report({ kind: 'question', question: { kind: 'question', text: flood } });
    expect((await detailsOf(peer))[0]?.status).toBe('input_required');
    expect((await peer.call('poll_run', { run_ids: [session.context.run_id] })).runs).toHaveLength(1);
    session.finish({ kind: 'engine', code: flood, message: flood }, flood);
    expect(await until(peer, runs[0]?.run_id ?? '', 'failed')).toMatchObject({ outcome: { kind: 'engine' } });
    expect((await peer.call('poll_run', { run_ids: [session.context.run_id] })).runs).toHaveLength(1);
  });

  test('a cursor of an earlier boot tells everything again; one that is none is refused', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const { ids } = await start(peer, 't');
    expect(await detailsOf(peer, '999999')).toMatchObject([{ run_id: ids[0] }]);
    await expect(peer.call('poll_run', { task_id: 't', cursor: 'abc' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(peer.call('poll_run', {})).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(peer.call('poll_run', { task_id: 't', run_ids: ids })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(peer.call('poll_run', { task_id: 'other' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('ended runs stay readable long after memory has let them go', async () => {
    const worker = await openTestWorker({ slots: 50 });
    const peer = await worker.connect();
    const { ids } = await start(peer, 't', 50);
    for (let n = 1; n <= 50; n += 1) {
      const session = await worker.command.session(n);
      session.write('stdout', `I am ${session.context.run_id}\n`);
      session.finish({ kind: 'exit', code: 0 });
    }
    await peer.call('poll_run', { task_id: 't', wait_ms: 10_000, until: 'all' });
    for (const runId of ids) {
      const { runs } = await peer.call('poll_run', { run_ids: [runId] });
      expect(runs[0]?.preview).toBe(`stdout (1 line)\n1: I am ${runId}`);
      const page = await peer.call('read_handle', { handle_id: runs[0]?.handles?.[0]?.handle_id ?? '' });
      expect(page).toMatchObject({ run_id: runId, text: `I am ${runId}\n`, sealed: true });
    }
  });
});
