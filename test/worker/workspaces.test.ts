import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { makeRepository, git, treeDigest } from '../helpers/repository.ts';
import { eventually } from '../helpers/processes.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import type { ScriptedSession } from './support/scripted-engine.ts';
import {
  newWorkerDir,
  openTestWorker,
  recordOf,
  until,
  type TestWorker,
  type WorkerPeer,
} from './support/test-worker.ts';

let repo: string;
let before: string;

beforeEach(() => {
  repo = makeRepository(join(scratchFolder(), 'repo'), { 'sub/b.txt': 'b\n' });
  before = treeDigest(repo);
});

type Start = Parameters<WorkerPeer['call']>[1] & Record<string, unknown>;

async function begin(worker: TestWorker, more: Start = {}) {
  const peer = await worker.connect();
  const input = { pipeline: 'ask', prompt: 'p', cwd: repo, ...more };
  const { runs } = await peer.call('start_run', input);
  return { peer, runId: runs[0]?.run_id ?? '' };
}

/** What a coding agent would do: change, add and remove files. */
function work({ context: { cwd } }: ScriptedSession): void {
  writeFileSync(join(cwd, 'README.md'), 'one\ntwo, changed\nthree\nfour');
  writeFileSync(join(cwd, 'new.bin'), Buffer.from([0, 255, 13, 10, 0]));
  rmSync(join(cwd, 'notes.txt'));
}

async function diffOf(worker: TestWorker, runId: string): Promise<Buffer> {
  const [diff, ...others] = worker.handles.ofRun(runId).filter(({ stream }) => stream === 'diff');
  if (diff === undefined || others.length > 0) throw new Error('Not exactly one diff.');
  return worker.handles.read(diff.handle_id, 0, diff.bytes);
}

/** Applies a diff to a copy of the user's tree, as it stood at the start, and answers the copy. */
function applied(diff: Buffer): string {
  const copy = join(scratchFolder(), 'copy');
  cpSync(repo, copy, { recursive: true });
  const file = join(scratchFolder(), 'run.diff');
  writeFileSync(file, diff);
  git(copy, 'apply', '--check', file);
  git(copy, 'apply', file);
  return copy;
}

function workspaceOf(worker: TestWorker, runId: string): string {
  return join(worker.dir, 'runs', runId, 'workspace');
}

describe('a run in a private copy', () => {
  test('leaves the tree as it was, and its work behind one handle', async () => {
    const worker = await openTestWorker();
    const { peer, runId } = await begin(worker);
    const session = await worker.codex.session(1);
    expect(session.context.cwd).toBe(workspaceOf(worker, runId));
    expect(session.context.spec.cwd).toBe(repo);
    expect(readFileSync(join(session.context.cwd, 'README.md'), 'utf8')).toBe('one\ntwo, changed\nthree\n');
    expect(existsSync(join(session.context.cwd, 'staged.txt'))).toBe(true);
    work(session);
    session.write('diff', "the engine's own idea of it");
    expect(worker.handles.ofRun(runId)).toEqual([]);
    session.finish({ kind: 'exit', code: 0 });
    const detail = await until(peer, runId, 'completed');
    expect(detail.handles).toMatchObject([
      { stream: 'diff', stage: 'turn', state: 'sealed', truncated: false },
    ]);
    expect(detail.preview).toContain('+four');
    const copy = applied(await diffOf(worker, runId));
    expect(readFileSync(join(copy, 'README.md'), 'utf8')).toBe('one\ntwo, changed\nthree\nfour');
    expect(readFileSync(join(copy, 'new.bin'))).toEqual(Buffer.from([0, 255, 13, 10, 0]));
    expect(existsSync(join(copy, 'notes.txt'))).toBe(false);
    await eventually(() => !existsSync(workspaceOf(worker, runId)));
    expect(treeDigest(repo)).toBe(before);
  });

  test('stands in the same part of the tree, and has no diff where it changed nothing', async () => {
    const worker = await openTestWorker();
    const { peer, runId } = await begin(worker, { cwd: join(repo, 'sub') });
    const session = await worker.codex.session(1);
    expect(session.context.cwd).toBe(join(workspaceOf(worker, runId), 'sub'));
    session.finish({ kind: 'exit', code: 0 });
    expect((await until(peer, runId, 'completed')).handles).toEqual([]);
  });

  test('knows files that are tracked though ignored, and folders that are ignored', async () => {
    writeFileSync(join(repo, 'out', 'kept.txt'), 'kept\n');
    git(repo, 'add', '-f', 'out/kept.txt');
    git(repo, 'commit', '-qm', 'kept');
    const worker = await openTestWorker();
    const { peer, runId } = await begin(worker, { cwd: join(repo, 'out') });
    const session = await worker.codex.session(1);
    const file = join(session.context.cwd, 'kept.txt');
    expect(readFileSync(file, 'utf8')).toBe('kept\n');
    writeFileSync(file, 'changed\n');
    session.finish({ kind: 'exit', code: 0 });
    await until(peer, runId, 'completed');
    expect((await diffOf(worker, runId)).toString()).toContain('+changed');
  });

  test.each(['cancelled', 'failed'] as const)('keeps the work of a run that is %s', async (how) => {
    const worker = await openTestWorker();
    const { peer, runId } = await begin(worker, { wall_ms: 2_000 });
    const session = await worker.codex.session(1);
    work(session);
    if (how === 'cancelled') await peer.call('cancel_run', { run_ids: [runId] });
    const detail = await until(peer, runId, how);
    expect(detail.outcome?.kind).toBe(how === 'cancelled' ? 'cancelled' : 'timeout');
    expect((await diffOf(worker, runId)).toString()).toContain('+four');
    await eventually(() => !existsSync(workspaceOf(worker, runId)));
  });

  test('is the same over a pause, and is given up where a paused run is cancelled', async () => {
    const worker = await openTestWorker();
    const { peer, runId } = await begin(worker);
    const first = await worker.codex.session(1);
    first.context.report({ kind: 'thread', thread_id: 'th' });
    work(first);
    await peer.call('pause_run', { run_id: runId });
    await peer.call('resume_run', { run_id: runId });
    const second = await worker.codex.session(2);
    expect(second.context.cwd).toBe(first.context.cwd);
    expect(existsSync(join(second.context.cwd, 'new.bin'))).toBe(true);
    await peer.call('pause_run', { run_id: runId });
    expect((await peer.call('cancel_run', { run_ids: [runId] })).runs).toMatchObject([
      { status: 'cancelled' },
    ]);
    expect((await diffOf(worker, runId)).toString()).toContain('+four');
  });

  test('goes on, or is put into a diff, after a crash', async () => {
    const dir = newWorkerDir();
    const worker = await openTestWorker({ dir });
    const one = await begin(worker);
    const two = await begin(worker);
    const sessions = [await worker.codex.session(1), await worker.codex.session(2)];
    for (const session of sessions) work(session);
    const resumable = sessions.find(({ context }) => context.run_id === one.runId);
    resumable?.context.report({ kind: 'thread', thread_id: 'th' });
    const asItWas = join(scratchFolder(), 'runs');
    cpSync(join(dir, 'runs'), asItWas, { recursive: true });
    await worker.stop('cancel');
    rmSync(join(dir, 'runs'), { recursive: true });
    for (const { runId } of [one, two]) {
      for (const { handle_id } of worker.handles.ofRun(runId)) await worker.handles.delete(handle_id);
    }
    cpSync(asItWas, join(dir, 'runs'), { recursive: true });

    const again = await openTestWorker({ dir });
    const peer = await again.connect();
    const detail = await until(peer, two.runId, 'failed');
    expect(detail.outcome).toEqual({ kind: 'lost', resumable: false });
    expect(detail.error).toContain('worker ended');
    expect((await diffOf(again, two.runId)).toString()).toContain('+four');
    await eventually(() => !existsSync(workspaceOf(again, two.runId)));
    await until(peer, one.runId, 'paused');
    await peer.call('resume_run', { run_id: one.runId });
    const session = await again.codex.session(1);
    expect(existsSync(join(session.context.cwd, 'new.bin'))).toBe(true);
    session.finish({ kind: 'exit', code: 0 });
    await until(peer, one.runId, 'completed');
    expect((await diffOf(again, one.runId)).toString()).toContain('+four');
  });

  test('stays where its diff cannot be stored whole, and the run says so', async () => {
    const worker = await openTestWorker();
    const { peer, runId } = await begin(worker, { output_bytes: 1_024 });
    const session = await worker.codex.session(1);
    writeFileSync(join(session.context.cwd, 'large.txt'), 'x'.repeat(5_000));
    session.finish({ kind: 'exit', code: 0 });
    const detail = await until(peer, runId, 'failed');
    const root = workspaceOf(worker, runId);
    expect(detail.outcome).toEqual({ kind: 'limit', which: 'output' });
    expect(detail.notes.at(-1)).toContain(root);
    expect(detail.handles).toMatchObject([{ stream: 'diff', bytes: 1_024, truncated: true }]);
    const record = recordOf(worker.dir, runId);
    expect(record.workspace?.root).toBe(root);
    // What is removed is gone then.
    await worker.stop('keep');
    expect(existsSync(join(root, 'large.txt'))).toBe(true);
  });

  test('stays where a folder in it became a repository', async () => {
    const worker = await openTestWorker();
    const { peer, runId } = await begin(worker);
    const session = await worker.codex.session(1);
    makeRepository(join(session.context.cwd, 'inner'));
    session.finish({ kind: 'exit', code: 0 });
    const detail = await until(peer, runId, 'failed');
    expect(detail.outcome).toMatchObject({ kind: 'engine', code: 'workspace' });
    expect(detail.error).toContain('inner became a repository');
    await worker.stop('keep');
    expect(existsSync(join(workspaceOf(worker, runId), 'inner', 'README.md'))).toBe(true);
  });

  test('that cannot be made fails the run, and is cut short by a cancel', async () => {
    const worker = await openTestWorker();
    const good = await begin(worker);
    await good.peer.call('cancel_run', { run_ids: [good.runId] });
    await until(good.peer, good.runId, 'cancelled');
    expect(existsSync(workspaceOf(worker, good.runId))).toBe(false);
    rmSync(join(repo, '.git', 'objects'), { recursive: true });
    mkdirSync(join(repo, '.git', 'objects'));
    const { peer, runId } = await begin(worker);
    const detail = await until(peer, runId, 'failed');
    expect(detail.outcome).toMatchObject({ kind: 'engine', code: 'workspace' });
    expect(detail.error).toContain('workspace "none"');
    expect(existsSync(workspaceOf(worker, runId))).toBe(false);
  });
});

describe('where a run works', () => {
  test('in place where it asks for that, with the diff its engine tells', async () => {
    const worker = await openTestWorker();
    const { peer, runId } = await begin(worker, { workspace: 'none' });
    const session = await worker.codex.session(1);
    expect(session.context.cwd).toBe(repo);
    session.write('diff', 'told');
    session.finish({ kind: 'exit', code: 0 });
    await until(peer, runId, 'completed');
    expect((await diffOf(worker, runId)).toString()).toBe('told');
  });

  test('in place, too, where no agent writes or there is no repository; in a copy where asked for', async () => {
    const worker = await openTestWorker({ slots: 4 });
    await begin(worker, { pipeline: 'tell' });
    expect((await worker.command.session(1)).context.cwd).toBe(repo);
    const plain = scratchFolder();
    await begin(worker, { cwd: plain });
    expect((await worker.codex.session(1)).context.cwd).toBe(plain);
    const { runId } = await begin(worker, { pipeline: 'tell', workspace: 'clone' });
    expect((await worker.command.session(2)).context.cwd).toBe(workspaceOf(worker, runId));
    await expect(begin(worker, { cwd: plain, workspace: 'clone' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      next: expect.stringContaining('git init'),
    });
  });
});
