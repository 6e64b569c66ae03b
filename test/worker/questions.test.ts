import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ScriptedSession } from './support/scripted-engine.ts';
import {
  detailWhere,
  newWorkerDir,
  openTestWorker,
  recordOf,
  until,
  type TestWorker,
  type WorkerPeer,
} from './support/test-worker.ts';

const cwd = '/tmp';
const question = { kind: 'command' as const, text: 'run make?' };
const noCapacity = { code: 'NO_CAPACITY' };

async function start(peer: WorkerPeer, extra: Record<string, unknown> = {}): Promise<string> {
  const { runs } = await peer.call('start_run', { pipeline: 'ask', cwd, prompt: 'p', ...extra });
  return runs[0]?.run_id ?? '';
}

/** The `n`th run of the worker, which asks and waits. */
async function startAsking(
  worker: TestWorker,
  peer: WorkerPeer,
  n: number,
): Promise<{ run_id: string; session: ScriptedSession }> {
  const run_id = await start(peer);
  const session = await worker.codex.session(n);
  session.context.report({ kind: 'thread', thread_id: `th-${String(n)}` });
  session.context.report({ kind: 'question', question });
  await until(peer, run_id, 'input_required');
  return { run_id, session };
}

async function busy(peer: WorkerPeer): Promise<number> {
  return (await peer.call('describe_worker', {})).busy;
}

describe('a question nobody answers', () => {
  test('is declined in the end, and the run says who did', async () => {
    const worker = await openTestWorker({ config: { questions: { timeout_ms: 150 } } });
    const peer = await worker.connect();
    const { run_id, session } = await startAsking(worker, peer, 1);
    const detail = await detailWhere(peer, run_id, ({ status }) => status === 'running');
    expect(session.answers).toEqual(['decline']);
    expect(detail.decisions).toMatchObject([{ answer: 'declined', by: 'timeout' }]);
    expect(detail.slot).toBe(undefined);
    expect(await busy(peer)).toBe(1);
  });

  test('is not declined once it was answered, nor the next one by the patience of the first', async () => {
    const worker = await openTestWorker({ config: { questions: { timeout_ms: 300 } } });
    const peer = await worker.connect();
    const { run_id, session } = await startAsking(worker, peer, 1);
    const begun = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 150));
    await peer.call('resume_run', { run_id, answer: 'accept' });
    session.context.report({ kind: 'question', question });
    await detailWhere(peer, run_id, ({ decisions }) => decisions.length === 2);
    expect(session.answers).toEqual(['accept', 'decline']);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(440);
  });

  test('stays for ten minutes where nothing else is configured', async () => {
    const worker = await openTestWorker();
    expect(worker.places.configIn(cwd).questions).toMatchObject({ timeout_ms: 600_000 });
  });
});

describe('an answer', () => {
  test('to a question that is no more the one asked is refused; how one came is on record', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const { run_id, session } = await startAsking(worker, peer, 1);
    const { question: asked } = await detailWhere(peer, run_id, () => true);
    const asked_at = asked?.asked_at ?? 0;
    const answer = { run_id, answer: 'accept', by: 'elicitation' } as const;
    await expect(peer.call('resume_run', { ...answer, asked_at: asked_at - 1 })).rejects.toMatchObject({
      code: 'WRONG_STATE',
    });
    expect(session.answers).toEqual([]);
    await peer.call('resume_run', { ...answer, asked_at });
    const { decisions } = await detailWhere(peer, run_id, ({ status }) => status === 'running');
    expect(decisions).toMatchObject([{ answer: 'accepted', by: 'elicitation' }]);
  });
});

describe('an escalation', () => {
  const asked = {
    kind: 'decision',
    asked: 'touch /x\u202e',
    answer: 'asked',
    by: 'nobody',
    escalation: 'sandbox',
  } as const;

  test('is on disk as asked before anybody is, and as decided before the engine goes on', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run_id = await start(peer);
    const { context } = await worker.codex.session(1);
    context.report(asked);
    const entry = { asked: 'touch /x<U+202E>', answer: 'asked', escalation: 'sandbox' };
    expect(recordOf(worker.dir, run_id).detail.decisions).toMatchObject([entry]);
    // What a worker finds that was killed here.
    const dir = join(newWorkerDir(), 'copy');
    cpSync(worker.dir, dir, { recursive: true, filter: (path) => !path.endsWith('/lock') });
    const next = await (await openTestWorker({ dir })).connect();
    expect((await detailWhere(next, run_id, () => true)).decisions).toMatchObject([entry]);
    context.report({ ...asked, answer: 'declined', by: 'timeout' });
    expect(recordOf(worker.dir, run_id).detail.decisions).toMatchObject([
      { ...entry, answer: 'declined', by: 'timeout', decided_at: expect.any(Number) },
    ]);
    const { runs } = await peer.call('poll_run', { run_ids: [run_id] });
    expect(runs).toMatchObject([{ escalations: '1 declined' }]);
  });

  test('may not be granted to a run without limits; 64 are listed and the rest counted', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const run_id = await start(peer);
    const session = await worker.codex.session(1);
    const { context } = session;
    expect(context.escalationBar()).toMatch(/no limit of memory_bytes and processes/);
    for (let n = 0; n < 70; n += 1) {
      context.report({ ...asked, asked: String(n), answer: 'declined', by: 'rule', why: 'No.' });
    }
    context.report({ kind: 'decision', asked: 'ls', answer: 'accepted', by: 'policy' });
    expect(context.escalationBar()).toMatch(/asked for more 64 times/);
    session.finish({ kind: 'exit', code: 0 });
    const { decisions, notes } = await detailWhere(peer, run_id, ({ status }) => status === 'completed');
    expect(decisions.map((one) => one.asked)).toEqual([
      ...Array.from({ length: 64 }, (_, n) => String(n)),
      'ls',
    ]);
    expect(new Set(decisions.slice(0, 64).map(({ at }) => at)).size).toBe(64);
    expect(notes).toContain('6 further requests for more were declined, and are not listed.');
  });
});

describe('the slot of a run that waits for an answer', () => {
  test('is for another run meanwhile; the answer waits for a slot, and comes before new runs', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    const { run_id, session } = await startAsking(worker, peer, 1);
    expect(await detailWhere(peer, run_id, () => true)).toMatchObject({ slot: 'freed' });
    expect(await busy(peer)).toBe(0);
    const other = await start(peer);
    const second = await worker.codex.session(2);
    expect(await peer.call('resume_run', { run_id, answer: 'accept' })).toMatchObject({ status: 'running' });
    expect(session.answers).toEqual([]);
    const { runs } = await peer.call('poll_run', { run_ids: [run_id] });
    expect(runs).toMatchObject([{ status: 'running', waiting_for: 'slot' }]);
    await expect(peer.call('resume_run', { run_id, answer: 'accept' })).rejects.toMatchObject({
      code: 'WRONG_STATE',
    });
    second.finish({ kind: 'exit', code: 0 });
    await until(peer, other, 'completed');
    expect(session.answers).toEqual(['accept']);
    const detail = await detailWhere(peer, run_id, ({ slot }) => slot === undefined);
    expect(detail.status).toBe('running');
    await expect(start(peer)).rejects.toMatchObject(noCapacity);
    session.finish({ kind: 'exit', code: 0 });
    await until(peer, run_id, 'completed');
    expect(await busy(peer)).toBe(0);
  });

  test('is kept where as many wait as there are slots', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    const first = await startAsking(worker, peer, 1);
    const second = await startAsking(worker, peer, 2);
    const kept = await detailWhere(peer, second.run_id, ({ status }) => status === 'input_required');
    expect(kept.slot).toBe(undefined);
    await expect(start(peer)).rejects.toMatchObject(noCapacity);
    // All come back at once: the one with its slot goes on, the other after it.
    await peer.call('resume_run', { run_id: first.run_id, answer: 'accept' });
    await peer.call('resume_run', { run_id: second.run_id, answer: 'accept' });
    expect([first.session.answers, second.session.answers]).toEqual([[], ['accept']]);
    second.session.finish({ kind: 'exit', code: 0 });
    await until(peer, second.run_id, 'completed');
    expect(first.session.answers).toEqual(['accept']);
    first.session.finish({ kind: 'exit', code: 0 });
    await until(peer, first.run_id, 'completed');
    // The bound is free again, too.
    const third = await startAsking(worker, peer, 3);
    expect(await detailWhere(peer, third.run_id, () => true)).toMatchObject({ slot: 'freed' });
  });

  test.each(['input_required', 'answered'] as const)(
    'comes back whole when it is cancelled: %s',
    async (when) => {
      const worker = await openTestWorker({ slots: 1 });
      const peer = await worker.connect();
      const { run_id, session } = await startAsking(worker, peer, 1);
      const other = await start(peer);
      const second = await worker.codex.session(2);
      if (when === 'answered') await peer.call('resume_run', { run_id, answer: 'accept' });
      await peer.call('cancel_run', { run_ids: [run_id] });
      await until(peer, run_id, 'cancelled');
      expect(await busy(peer)).toBe(1);
      second.finish({ kind: 'exit', code: 0 });
      await until(peer, other, 'completed');
      expect(await busy(peer)).toBe(0);
      expect(session.answers).toEqual([]);
      const next = await startAsking(worker, peer, 3);
      expect(await detailWhere(peer, next.run_id, () => true)).toMatchObject({ slot: 'freed' });
    },
  );

  test('is asked for again where the engine goes on by itself', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    const { run_id, session } = await startAsking(worker, peer, 1);
    session.context.report({ kind: 'question', question: undefined });
    await until(peer, run_id, 'running');
    expect(await busy(peer)).toBe(1);
    await expect(start(peer)).rejects.toMatchObject(noCapacity);
  });

  test('that waits again for a slot uses none of its wall time', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    const { runs } = await peer.call('start_run', { pipeline: 'ask', cwd, prompt: 'p', wall_ms: 300 });
    const run_id = runs[0]?.run_id ?? '';
    const session = await worker.codex.session(1);
    session.context.report({ kind: 'question', question });
    await until(peer, run_id, 'input_required');
    await start(peer);
    const second = await worker.codex.session(2);
    await peer.call('resume_run', { run_id, answer: 'accept' });
    await new Promise((resolve) => setTimeout(resolve, 450));
    expect((await peer.call('poll_run', { run_ids: [run_id] })).runs[0]?.status).toBe('running');
    second.finish({ kind: 'exit', code: 0 });
    expect(await until(peer, run_id, 'failed')).toMatchObject({ outcome: { kind: 'timeout' } });
  });
});
