import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runRecord, type RunRecord } from '../../servers/worker/runs/record.ts';
import { openRecordFiles } from '../../servers/worker/runs/record-files.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import { runProgram } from './run-program.ts';

let stateDir: string;
let made = 0;

beforeEach(() => {
  stateDir = scratchFolder();
});

const hour = 3_600_000;

/** A run a worker has on disk, with a copy of 3 KiB; answers where the copy is. */
function leave(detail: Partial<RunRecord['detail']>, isKept: boolean, fleetRun?: string): string {
  made += 1;
  const run_id = `run_${String(made).padStart(21, '0')}`;
  const workerDir = join(stateDir, 'workers', 'local-1');
  const root = join(workerDir, 'runs', run_id, 'workspace');
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, 'file'), 'x'.repeat(3_072));
  const spec = { pipeline: 'codex', task_id: 't', cwd: '/tmp', inputs: {}, ask: false, depth: 0 };
  const record = runRecord.parse({
    schema_version: 1,
    owner: 'local',
    accepted_at: 1,
    spec: { ...spec, ...(fleetRun !== undefined && { request_key: `${fleetRun}.1` }) },
    progress: { stage: 0, active_ms: 5 },
    ...(isKept && { workspace: { root, cwd: root, base_tree: 'x', object_dirs: [] } }),
    detail: { run_id, status: 'completed', started_at: 1, handles: [], decisions: [], notes: [], ...detail },
  });
  openRecordFiles(workerDir).write(record);
  return root;
}

const shown = z.object({ run_id: z.string(), path: z.string(), bytes: z.number(), fetched: z.boolean() });
const report = z.object({ deleted: z.array(shown), kept: z.array(shown), live: z.number() });

async function gc(...args: string[]): Promise<z.infer<typeof report>> {
  const { code, stdout, stderr } = await runProgram(['gc', '--json', ...args], stateDir);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return report.parse(JSON.parse(stdout));
}

const paths = (rows: readonly { path: string }[]): string[] => rows.map(({ path }) => path);

describe('codex-fleet gc', () => {
  it('deletes copies whose work is in a diff, others by force, those of runs that go on never', async () => {
    const ended_at = Date.now() - 3 * hour;
    const stored = leave({ ended_at }, false);
    const unfetched = leave({ ended_at, status: 'failed' }, true);
    const paused = leave({ status: 'paused' }, true);
    const running = leave({ status: 'running' }, false);

    const dry = await gc('--dry-run', '--force');
    expect(paths(dry.deleted)).toEqual([stored, unfetched]);
    expect([dry.kept, dry.live]).toEqual([[], 2]);
    expect(dry.deleted[0]?.bytes).toBeGreaterThanOrEqual(3_072);
    expect([stored, unfetched, paused, running].every(existsSync)).toBe(true);

    const careful = await gc();
    expect([paths(careful.deleted), paths(careful.kept)]).toEqual([[stored], [unfetched]]);
    expect([stored, unfetched, paused, running].map(existsSync)).toEqual([false, true, true, true]);

    expect(paths((await gc('--force')).deleted)).toEqual([unfetched]);
    expect([unfetched, paused, running].map(existsSync)).toEqual([false, true, true]);
  });

  it('says run, age, size and whether the work is in a diff', async () => {
    const fleetRun = `run_${'f'.repeat(21)}`;
    leave({ ended_at: Date.now() - 3 * hour - 1_000 }, true, fleetRun);
    const { stdout } = await runProgram(['gc', '--dry-run'], stateDir);
    expect(stdout).toMatch(new RegExp(`${fleetRun} +3 h +\\d[\\d.]* KB +not fetched +keep `));
    expect(stdout).toContain('Would delete 0 copies, 0 B.');
    expect(stdout).toContain('1 copy with work that is in no diff');
  });

  it('follows no link out of the state folder', async () => {
    const outside = scratchFolder();
    writeFileSync(join(outside, 'precious'), 'x');
    const folder = join(stateDir, 'workers', 'local-1', 'runs', `run_${'l'.repeat(21)}`);
    mkdirSync(folder, { recursive: true });
    symlinkSync(outside, join(folder, 'workspace'));
    const copy = leave({ ended_at: 1 }, false);
    symlinkSync(outside, join(copy, 'link'));
    expect(paths((await gc('--force')).deleted)).toEqual([copy]);
    expect(existsSync(join(outside, 'precious'))).toBe(true);
  });

  it('has nothing to do where there is no fleet', async () => {
    const { stdout } = await runProgram(['gc'], stateDir);
    expect(stdout).toBe('Deleted 0 copies, 0 B.\n');
  });
});
