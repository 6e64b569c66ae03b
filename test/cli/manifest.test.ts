import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openSqliteRunStore } from '../../coordinator/store/sqlite-run-store.ts';
import { manifest } from '../../schemas/manifest.ts';
import { newRun } from '../helpers/runs.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import { runProgram } from './run-program.ts';

it('codex-fleet manifest prints the record of a run where nothing runs, and says which it does not know', async () => {
  const stateDir = scratchFolder();
  const store = await openSqliteRunStore(join(stateDir, 'fleet.db'));
  const run = newRun();
  await store.submit([run]);
  await store.close();
  const ended = await runProgram(['manifest', run.run_id], stateDir);
  expect(manifest.parse(JSON.parse(ended.stdout))).toMatchObject({ run_id: run.run_id, status: 'pending' });
  const unknown = await runProgram(['manifest', 'run_V1StGXR8Z5jdHi6BmyT01'], stateDir);
  expect(unknown.stderr).toContain('no run run_V1StGXR8Z5jdHi6BmyT01');
  expect(unknown.code).not.toBe(0);
  const nowhere = await runProgram(['manifest', run.run_id], scratchFolder());
  expect(nowhere.stderr).toContain('There is no run');
});
