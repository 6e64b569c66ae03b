import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { maxArtifacts } from '../../servers/worker/artifacts/keep-artifacts.ts';
import { makeRepository } from '../helpers/repository.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import { newWorkerDir, openTestWorker, recordOf, until, type TestWorker } from './support/test-worker.ts';

interface Declared {
  cwd: string;
  artifacts: string[];
  output_bytes?: number;
  workspace?: 'clone';
  pipeline?: string;
  prompt?: string;
}

async function run(worker: TestWorker, input: Declared, work: (cwd: string) => void) {
  const peer = await worker.connect();
  const { runs } = await peer.call('start_run', { pipeline: 'tell', ...input });
  const runId = runs[0]?.run_id ?? '';
  const engine = input.pipeline === 'ask' ? worker.codex : worker.command;
  const session = await engine.session(1);
  work(session.context.cwd);
  session.finish({ kind: 'exit', code: 0 });
  const detail = await until(peer, runId, 'completed');
  return { runId, detail, artifacts: detail.handles.filter(({ stream }) => stream === 'artifact') };
}

const contentOf = async (
  worker: TestWorker,
  { handle_id: id, bytes }: { handle_id: string; bytes: number },
) => (await worker.handles.read(id, 0, bytes)).toString();

describe('artifacts', () => {
  it('are the files a run declares, as they are at its end, each by its path', async () => {
    const worker = await openTestWorker();
    const cwd = scratchFolder();
    const { artifacts, detail } = await run(worker, { cwd, artifacts: ['out/*.json', 'log'] }, () => {
      mkdirSync(join(cwd, 'out'));
      mkdirSync(join(cwd, 'log', 'deep'), { recursive: true });
      writeFileSync(join(cwd, 'out', 'a.json'), '{"a":1}');
      writeFileSync(join(cwd, 'out', 'b.txt'), 'not asked for');
      writeFileSync(join(cwd, 'log', 'deep', 'x.bin'), Buffer.alloc(3_000_000, 'x'));
    });
    expect(artifacts).toMatchObject([
      { name: 'log/deep/x.bin', bytes: 3_000_000, state: 'sealed', media_type: 'application/octet-stream' },
      { name: 'out/a.json', bytes: 7, state: 'sealed', media_type: 'application/json', truncated: false },
    ]);
    expect(await contentOf(worker, artifacts[1] ?? { handle_id: '', bytes: 0 })).toBe('{"a":1}');
    expect(detail.notes).toEqual([]);
  });

  it('come out of a private copy before it goes', async () => {
    const worker = await openTestWorker();
    const cwd = makeRepository(join(scratchFolder(), 'repo'), {});
    const input = { cwd, artifacts: ['made.txt'], workspace: 'clone' as const, pipeline: 'ask', prompt: 'p' };
    const { artifacts } = await run(worker, input, (copy) => {
      expect(copy).not.toBe(cwd);
      writeFileSync(join(copy, 'made.txt'), 'made');
    });
    expect(artifacts).toMatchObject([{ name: 'made.txt', bytes: 4 }]);
  });

  it('never come from outside the folder, by links, pipes or names that tell lies', async () => {
    const worker = await openTestWorker();
    const outside = scratchFolder();
    writeFileSync(join(outside, 'secret'), 'secret');
    const cwd = scratchFolder();
    const { artifacts, detail } = await run(worker, { cwd, artifacts: ['**'] }, () => {
      symlinkSync(join(outside, 'secret'), join(cwd, 'link'));
      symlinkSync(outside, join(cwd, 'folder'));
      linkSync(join(outside, 'secret'), join(cwd, 'hard'));
      execFileSync('mkfifo', [join(cwd, 'pipe')]);
      writeFileSync(join(cwd, 'a\u202egnp.exe'), 'bidi');
      writeFileSync(join(cwd, 'a\nb'), 'two lines');
      writeFileSync(join(cwd, '\x1b[31mred'), 'escape');
      mkdirSync(join(cwd, '.git'));
      writeFileSync(join(cwd, '.git', 'config'), 'ours');
      writeFileSync(join(cwd, 'empty'), '');
      writeFileSync(join(cwd, 'good'), 'good');
    });
    expect(artifacts.map(({ name }) => name)).toEqual(['good']);
    expect(detail.notes).toEqual([
      'Artifacts: 1 kept; left out: 7 links, pipes or names that cannot be shown.',
    ]);
  });

  it('are so many and so large at most, and a note says what is not there', async () => {
    const worker = await openTestWorker();
    const cwd = scratchFolder();
    const many = await run(worker, { cwd, artifacts: ['*'] }, () => {
      for (let at = 0; at < maxArtifacts + 5; at += 1) writeFileSync(join(cwd, `f${String(at)}`), 'x');
    });
    expect(many.artifacts).toHaveLength(maxArtifacts);
    expect(many.detail.notes).toEqual(['Artifacts: 32 kept; left out: more than 32 files.']);
  });

  it('share what the run may put out', async () => {
    const worker = await openTestWorker();
    const cwd = scratchFolder();
    const { artifacts, detail } = await run(worker, { cwd, artifacts: ['*'], output_bytes: 1_500 }, () => {
      for (const name of ['a', 'b', 'c']) writeFileSync(join(cwd, name), 'x'.repeat(1_000));
    });
    expect(artifacts).toMatchObject([
      { name: 'a', bytes: 1_000, truncated: false },
      { name: 'b', bytes: 500, truncated: true },
    ]);
    expect(detail.notes).toEqual(['Artifacts: 2 kept; left out: no more room.']);
    expect(detail.outcome).toEqual({ kind: 'exit', code: 0 });
  });

  it('that are not there are said to be missing', async () => {
    const worker = await openTestWorker();
    const { artifacts, detail } = await run(
      worker,
      { cwd: scratchFolder(), artifacts: ['none'] },
      () => undefined,
    );
    expect([artifacts, detail.notes]).toEqual([[], ['No file is there that "artifacts" names.']]);
  });

  it('are kept once where the worker dies while it stores them', async () => {
    const dir = newWorkerDir();
    const first = await openTestWorker({ dir });
    const cwd = scratchFolder();
    const { runId } = await run(first, { cwd, artifacts: ['a'] }, () => writeFileSync(join(cwd, 'a'), 'a'));
    // As it was on disk after the work and before the end.
    const record = recordOf(dir, runId);
    const { outcome, ended_at: _, ...detail } = record.detail;
    const progress = { ...record.progress, outcome: outcome ?? { kind: 'cancelled' as const } };
    await first.stop('keep');
    const { openRecordFiles } = await import('../../servers/worker/runs/record-files.ts');
    openRecordFiles(dir).write({ ...record, progress, detail: { ...detail, status: 'running' } });
    renameSync(join(cwd, 'a'), join(cwd, 'old'));
    writeFileSync(join(cwd, 'a'), 'again');
    const second = await openTestWorker({ dir });
    const after = await until(await second.connect(), runId, 'completed');
    const artifacts = after.handles.filter(({ stream }) => stream === 'artifact');
    expect(artifacts).toMatchObject([{ name: 'a', bytes: 5 }]);
  });

  it('are named by paths below the folder alone', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const input = { pipeline: 'tell', cwd: scratchFolder(), artifacts: ['../x'] };
    await expect(peer.call('start_run', input)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: '"artifacts" "../x" must have no empty step, "." or "..".',
    });
  });
});
