import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunRecord } from '../../servers/worker/runs/record.ts';
import { runRecord } from '../../servers/worker/runs/record.ts';
import { openRecordFiles } from '../../servers/worker/runs/record-files.ts';
import { recordsFile } from '../../servers/worker/runs/record-journal.ts';
import { detailsOf, newWorkerDir, openTestWorker, recordOf, until } from './support/test-worker.ts';

let made = 0;

/** A run as an earlier process of the worker left it on disk. */
function leave(dir: string, detail: Partial<RunRecord['detail']>, rest: Partial<RunRecord> = {}): string {
  made += 1;
  const run_id = `run_${String(made).padStart(21, '0')}`;
  const record = runRecord.parse({
    schema_version: 1,
    owner: 'jane',
    accepted_at: made,
    spec: {
      pipeline: 'ask',
      task_id: 't',
      cwd: '/tmp',
      prompt: 'p',
      inputs: {},
      ask: false,
      depth: 0,
      request_key: `k${run_id}`,
    },
    progress: { stage: 0, active_ms: 5 },
    detail: {
      run_id,
      status: 'running',
      started_at: made,
      handles: [],
      decisions: [],
      notes: ['kept'],
      ...detail,
    },
    ...rest,
  });
  openRecordFiles(dir).write(record);
  return run_id;
}

describe('a worker that begins where another died', () => {
  test('keeps a run that may be repeated at the stage it had come to, and fails one that had come to none', async () => {
    const dir = newWorkerDir();
    const spec = { ...plainSpec(), idempotent: true };
    const later = leave(dir, {}, { spec, progress: { stage: 1, active_ms: 5 } });
    const first = leave(dir, {}, { spec: { ...spec, request_key: 'first' } });
    const peer = await (await openTestWorker({ dir })).connect();
    expect(await detailsOf(peer)).toMatchObject([
      { run_id: later, status: 'paused', outcome: { kind: 'lost', resumable: true } },
      { run_id: first, status: 'failed', outcome: { kind: 'lost', resumable: false } },
    ]);
  });

  test('fails what was under way and cannot go on, and says so on disk as well', async () => {
    const dir = newWorkerDir();
    const run = leave(dir, {}, { spec: { ...plainSpec(), pipeline: 'tell' } });
    const halted = leave(dir, { status: 'paused' }, { how: 'stopped' });
    const worker = await openTestWorker({ dir });
    const peer = await worker.connect();
    const lost = { status: 'failed', outcome: { kind: 'lost', resumable: false }, notes: ['kept'] };
    expect(await detailsOf(peer)).toMatchObject([
      { run_id: run, ...lost },
      { run_id: halted, ...lost },
    ]);
    expect(recordOf(dir, run).detail).toMatchObject(lost);
    expect(await peer.call('describe_worker', {})).toMatchObject({ busy: 0 });
  });

  test('pauses what has a thread, and goes on with it', async () => {
    const dir = newWorkerDir();
    const progress = { stage: 0, active_ms: 5, thread_id: 'th-1' };
    const run = leave(
      dir,
      { engine_thread_id: 'th-1', status: 'input_required', question: { kind: 'command', text: '?' } },
      { progress },
    );
    const worker = await openTestWorker({ dir });
    const peer = await worker.connect();
    const detail = await until(peer, run, 'paused');
    expect(detail).toMatchObject({ outcome: { kind: 'lost', resumable: true } });
    expect(detail).not.toHaveProperty('question');
    expect(recordOf(dir, run)).toMatchObject({ how: 'lost', detail: { status: 'paused' } });
    await peer.call('resume_run', { run_id: run });
    const session = await worker.codex.session(1);
    expect(session.context.resume).toEqual({ thread_id: 'th-1', message: undefined });
    session.finish({ kind: 'exit', code: 0 });
    const end = await until(peer, run, 'completed');
    expect(end.outcome).toEqual({ kind: 'exit', code: 0 });
    expect(end).not.toHaveProperty('error');
  });

  test('leaves what was paused on purpose and what had ended as it was', async () => {
    const dir = newWorkerDir();
    const paused = leave(
      dir,
      { status: 'paused' },
      { how: 'turn_boundary', progress: { stage: 0, active_ms: 1, thread_id: 'x' } },
    );
    const ended = leave(dir, {
      status: 'completed',
      ended_at: 9,
      outcome: { kind: 'exit', code: 0 },
      preview: 'stdout (0 lines)',
    });
    const before = [recordOf(dir, paused), recordOf(dir, ended)];
    const worker = await openTestWorker({ dir });
    const peer = await worker.connect();
    const details = await detailsOf(peer);
    expect(details.map((detail) => detail.status)).toEqual(['paused', 'completed']);
    expect(details[0]).not.toHaveProperty('outcome');
    expect(details[1]?.preview).toBe('stdout (0 lines)');
    expect([recordOf(dir, paused), recordOf(dir, ended)]).toEqual(before);
  });

  test('still knows request keys', async () => {
    const dir = newWorkerDir();
    const run = leave(dir, { status: 'completed', ended_at: 9, outcome: { kind: 'exit', code: 0 } });
    const worker = await openTestWorker({ dir });
    const peer = await worker.connect();
    const start = { pipeline: 'ask', prompt: 'p', cwd: '/tmp', task_id: 't', request_key: `k${run}` };
    expect((await peer.call('start_run', start)).runs).toEqual([{ run_id: run, status: 'completed' }]);
    await expect(peer.call('start_run', { ...start, prompt: 'q' })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });

  test('a record that was cut short, or a stray file, hinders nobody', async () => {
    const dir = newWorkerDir();
    const good = leave(dir, { status: 'completed', ended_at: 9, outcome: { kind: 'exit', code: 0 } });
    const journal = recordsFile(dir);
    const line = readFileSync(journal, 'utf8');
    const other = line.replaceAll(good, `run_${'x'.repeat(21)}`);
    appendFileSync(journal, `hello\n${other.replace('"schema_version":1', '"schema_version":"one"')}`);
    appendFileSync(journal, other.slice(0, -20));
    writeFileSync(join(dir, 'runs', 'notes.txt'), 'hello');
    const worker = await openTestWorker({ dir });
    expect((await detailsOf(await worker.connect())).map((detail) => detail.run_id)).toEqual([good]);
  });

  test('a pipeline that is gone by now cannot be resumed', async () => {
    const dir = newWorkerDir();
    const progress = { stage: 0, active_ms: 5, thread_id: 'th-1' };
    const run_id = leave(dir, {}, { progress, spec: { ...plainSpec(), pipeline: 'retired' } });
    const worker = await openTestWorker({ dir });
    const peer = await worker.connect();
    await expect(peer.call('resume_run', { run_id })).rejects.toMatchObject({ code: 'WRONG_STATE' });
    expect(await peer.call('cancel_run', { run_ids: [run_id] })).toMatchObject({
      runs: [{ status: 'cancelled' }],
    });
  });
});

describe('a worker that ends', () => {
  test('keeps what can go on, loses the rest, and takes nothing more', async () => {
    const dir = newWorkerDir();
    const first = await openTestWorker({ dir });
    const peer = await first.connect();
    const start = { cwd: '/tmp', prompt: 'p', task_id: 't' };
    const asked = await peer.call('start_run', { ...start, pipeline: 'ask' });
    const told = await peer.call('start_run', { ...start, pipeline: 'tell' });
    const session = await first.codex.session(1);
    session.context.report({ kind: 'thread', thread_id: 'th-1' });
    const home = session.context.homeDir;
    writeFileSync(join(home, 'rollout'), 'kept');
    (await first.command.session(1)).write('stdout', 'so far\n');
    await first.stop('keep');
    await expect(peer.call('start_run', { ...start, pipeline: 'tell' })).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
      retryable: true,
    });
    expect(readFileSync(join(home, 'rollout'), 'utf8')).toBe('kept');
    const second = await openTestWorker({ dir });
    const again = await second.connect();
    const details = await detailsOf(again);
    expect(details).toMatchObject([
      { run_id: asked.runs[0]?.run_id, status: 'paused', outcome: { kind: 'lost', resumable: true } },
      { run_id: told.runs[0]?.run_id, status: 'failed', outcome: { kind: 'lost', resumable: false } },
    ]);
    expect(details[1]?.handles).toMatchObject([{ state: 'sealed', bytes: 7 }]);
    expect(details[1]?.preview).toBe('stdout (1 line)\n1: so far');
    expect((await again.call('describe_worker', {})).boot_id).not.toBe(
      (await peer.call('describe_worker', {})).boot_id,
    );
  });

  test("an earlier stage's thread does not make a later stage resumable", async () => {
    const dir = newWorkerDir();
    const worker = await openTestWorker({ dir });
    const peer = await worker.connect();
    const { runs } = await peer.call('start_run', { pipeline: 'both', prompt: 'p', cwd: '/tmp' });
    (await worker.command.session(1)).finish({ kind: 'exit', code: 0 });
    const turn = await worker.codex.session(1);
    turn.context.report({ kind: 'thread', thread_id: 'th-1' });
    turn.finish({ kind: 'exit', code: 0 });
    await worker.command.session(2);
    await worker.stop('keep');
    expect(recordOf(dir, runs[0]?.run_id ?? '').detail).toMatchObject({
      status: 'failed',
      outcome: { kind: 'lost', resumable: false },
      engine_thread_id: 'th-1',
    });
  });

  test('cancels everything where that is asked for', async () => {
    const dir = newWorkerDir();
    const worker = await openTestWorker({ dir });
    const peer = await worker.connect();
    const { runs } = await peer.call('start_run', { pipeline: 'ask', prompt: 'p', cwd: '/tmp' });
    const session = await worker.codex.session(1);
    session.context.report({ kind: 'thread', thread_id: 'th-1' });
    await worker.stop('cancel');
    expect(recordOf(dir, runs[0]?.run_id ?? '').detail.status).toBe('cancelled');
    expect(existsSync(session.context.homeDir)).toBe(false);
  });

  test('does not wait for ever for an engine that does not end', async () => {
    const dir = newWorkerDir();
    const worker = await openTestWorker({ dir });
    const peer = await worker.connect();
    await peer.call('start_run', { pipeline: 'tell', cwd: '/tmp' });
    (await worker.command.session(1)).endsAtOnce = false;
    const began = performance.now();
    await worker.stop('keep');
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test('its folder belongs to one process at a time', async () => {
    const dir = newWorkerDir();
    const first = await openTestWorker({ dir });
    await expect(openTestWorker({ dir })).rejects.toMatchObject({ code: 'CONFLICT' });
    await first.stop('keep');
    await openTestWorker({ dir });
  });
});

function plainSpec() {
  return { pipeline: 'ask', task_id: 't', cwd: '/tmp', prompt: 'p', inputs: {}, ask: false, depth: 0 };
}
