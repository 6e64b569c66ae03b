import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FleetError } from '../../core/errors.ts';
import { recordsFile } from '../../servers/worker/runs/record-journal.ts';
import { detailsOf, openTestWorker, recordOf, until } from './support/test-worker.ts';

const cwd = '/tmp';

describe('start_run', () => {
  test('answers at once with a run that is on disk and under way', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const reply = await peer.call('start_run', { pipeline: 'ask', prompt: 'hello', cwd, task_id: 't' });
    expect(reply).toMatchObject({ task_id: 't', runs: [{ status: 'running' }] });
    const runId = reply.runs[0]?.run_id ?? '';
    const record = recordOf(worker.dir, runId);
    expect(record).toMatchObject({ owner: 'jane', spec: { prompt: 'hello' }, detail: { status: 'running' } });
    const { context } = await worker.codex.session(1);
    expect(context).toMatchObject({ run_id: runId, cwd, resume: undefined, spec: { prompt: 'hello' } });
    expect(existsSync(context.tmpDir)).toBe(true);
    expect(existsSync(context.homeDir)).toBe(true);
  });

  test('a batch is accepted whole or not at all', async () => {
    const worker = await openTestWorker({ slots: 2 });
    const peer = await worker.connect();
    const three = { pipeline: 'tell', cwd, task_id: 't', runs: [{}, {}, {}] };
    await expect(peer.call('start_run', three)).rejects.toMatchObject({
      code: 'NO_CAPACITY',
      retryable: true,
    });
    expect(worker.command.sessions).toHaveLength(0);
    expect(await detailsOf(peer)).toEqual([]);
    const two = await peer.call('start_run', { ...three, runs: [{}, {}] });
    expect(two.runs).toHaveLength(2);
    await expect(peer.call('start_run', { ...three, runs: [{}] })).rejects.toMatchObject({
      code: 'NO_CAPACITY',
    });
  });

  test('a slot is free again when its run has ended', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    for (const n of [1, 2, 3]) {
      const { runs } = await peer.call('start_run', { pipeline: 'tell', cwd });
      (await worker.command.session(n)).finish({ kind: 'exit', code: 0 });
      await until(peer, runs[0]?.run_id ?? '', 'completed');
    }
    expect(await peer.call('describe_worker', {})).toMatchObject({ slots: 1, busy: 0 });
  });

  test('one key starts one run: repeated, at the same time, after its end, and with no slot free', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    const start = { pipeline: 'tell', cwd, task_id: 't', request_key: 'k' };
    const replies = await Promise.all(Array.from({ length: 100 }, () => peer.call('start_run', start)));
    const ids = new Set(replies.map((reply) => reply.runs[0]?.run_id));
    expect(ids.size).toBe(1);
    expect(worker.command.sessions).toHaveLength(1);
    const [runId = ''] = ids;
    (await worker.command.session(1)).finish({ kind: 'exit', code: 0 });
    await until(peer, runId, 'completed');
    const late = await peer.call('start_run', start);
    expect(late.runs).toEqual([{ run_id: runId, status: 'completed' }]);
    // Its cursor is before the run's end: who lost the first answer hears of it.
    const news = await peer.call('poll_run', { task_id: 't', cursor: late.cursor });
    expect(news.runs).toMatchObject([{ run_id: runId, status: 'completed' }]);
  });

  test('a key with another spec is CONFLICT, also within a batch and after the end', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const start = { pipeline: 'ask', prompt: 'a', cwd, task_id: 't', request_key: 'k' };
    const { runs } = await peer.call('start_run', start);
    const conflict = { code: 'CONFLICT', retryable: false };
    await expect(peer.call('start_run', { ...start, prompt: 'b' })).rejects.toMatchObject(conflict);
    (await worker.codex.session(1)).finish({ kind: 'exit', code: 0 });
    await until(peer, runs[0]?.run_id ?? '', 'completed');
    await expect(peer.call('start_run', { ...start, prompt: 'b' })).rejects.toMatchObject(conflict);
    const batch = {
      cwd,
      pipeline: 'ask',
      runs: [
        { prompt: 'a', request_key: 'n' },
        { prompt: 'b', request_key: 'n' },
      ],
    };
    await expect(peer.call('start_run', batch)).rejects.toMatchObject(conflict);
    expect(worker.codex.sessions).toHaveLength(1);
  });

  test('a batch that names a run twice by one key starts it once', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    const entry = { prompt: 'a', request_key: 'n' };
    const { runs } = await peer.call('start_run', {
      cwd,
      pipeline: 'ask',
      task_id: 't',
      runs: [entry, entry],
    });
    expect(runs).toHaveLength(2);
    expect(runs[0]?.run_id).toBe(runs[1]?.run_id);
    expect(worker.codex.sessions).toHaveLength(1);
  });

  test('a call that is sent again by its id starts nothing twice', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const once = await peer.call('start_run', { pipeline: 'tell' }, { callId: 'c1', cwd });
    const again = await peer.call('start_run', { pipeline: 'tell' }, { callId: 'c1', cwd });
    expect(again.runs[0]?.run_id).toBe(once.runs[0]?.run_id);
    expect(again.task_id).toBe(once.task_id);
  });

  test('refuses, before a slot is taken, what cannot be done', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    const tell = { pipeline: 'tell', cwd };
    await expect(peer.call('start_run', { ...tell, cwd: '/nowhere' })).rejects.toMatchObject({
      code: 'CWD_NOT_ALLOWED',
    });
    await expect(peer.call('start_run', { ...tell, cwd: '/etc/passwd' })).rejects.toMatchObject({
      code: 'CWD_NOT_ALLOWED',
    });
    await expect(peer.call('start_run', { ...tell, pipeline: 'none' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    worker.command.check = () => Promise.reject(new FleetError('COMMAND_NOT_ALLOWED', 'no'));
    await expect(peer.call('start_run', tell)).rejects.toMatchObject({ code: 'COMMAND_NOT_ALLOWED' });
    expect(await peer.call('describe_worker', {})).toMatchObject({ busy: 0 });
    expect(readFileSync(recordsFile(worker.dir), 'utf8')).toBe('');
    expect(readdirSync(join(worker.dir, 'tmp'))).toEqual([]);
  });

  test('a disk that takes no record accepts no run', async () => {
    const worker = await openTestWorker({ slots: 1 });
    const peer = await worker.connect();
    const first = await peer.call('start_run', { pipeline: 'tell', cwd });
    (await worker.command.session(1)).finish({ kind: 'exit', code: 0 });
    await until(peer, first.runs[0]?.run_id ?? '', 'completed');
    await blockFolder(join(worker.dir, 'tmp'), async () => {
      await expect(peer.call('start_run', { pipeline: 'tell', cwd })).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        retryable: true,
      });
    });
    expect(worker.command.sessions).toHaveLength(1);
    expect(await peer.call('describe_worker', {})).toMatchObject({ busy: 0 });
  });
});

/** Root writes anywhere: a file in the folder's place refuses everybody. */
async function blockFolder(folder: string, work: () => Promise<void>): Promise<void> {
  const { renameSync, rmSync, writeFileSync } = await import('node:fs');
  renameSync(folder, `${folder}.aside`);
  writeFileSync(folder, '');
  chmodSync(folder, 0o600);
  try {
    await work();
  } finally {
    rmSync(folder);
    renameSync(`${folder}.aside`, folder);
  }
}
