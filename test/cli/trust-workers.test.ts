import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readEnrolment } from '../../platform/trust/enrolment.ts';
import {
  createFleet,
  programFile,
  runProgram,
  type CommandResult,
  type TestFleet,
} from '../helpers/fleet.ts';
import { remoteWorker, type RemoteWorker } from '../helpers/remote-worker.ts';

let fleet: TestFleet;
let far: RemoteWorker;

beforeAll(async () => {
  const remote = await remoteWorker('far');
  fleet = await createFleet({ workers: { count: 0 }, remote_workers: { far: remote.entry } });
  far = remote.on(fleet);
  await far.start();
});
afterAll(async () => {
  await far.kill();
  await fleet.close();
});

const trust = (...args: string[]): Promise<CommandResult> => fleet.cli('trust', ...args);
const keys = () => readEnrolment(join(fleet.stateDir, 'enrolled.json'))?.workers['far']?.keys ?? [];

it('enrols the key a worker has, and only that where it is named', async () => {
  const [first] = keys();
  const env = { ...fleet.env, CODEX_FLEET_STATE_DIR: far.stateDir };
  const own = await runProgram(process.execPath, [programFile, 'trust', 'key', 'far'], fleet.work, env);
  expect(own.stdout.trim()).toBe(first?.kid);
  expect(statSync(join(fleet.stateDir, 'enrolled.json')).mode & 0o777).toBe(0o600);
  expect(statSync(join(far.stateDir, 'workers', 'far', 'identity.pem')).mode & 0o777).toBe(0o600);
  expect((await trust('add', 'far')).stderr).toContain('is enrolled');
  expect((await trust('revoke', 'far')).code).toBe(0);
  expect((await trust('list')).stdout).toMatch(/^far +[\w-]{43} +\d+ s +revoked$/m);
  const wrong = await trust('add', 'far', '--key', 'A'.repeat(43));
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('has the key')]);
  const right = await trust('add', 'far', `--key=${first?.kid ?? ''}`);
  expect([right.code, right.stdout]).toEqual([0, expect.stringContaining('Enrolled.')]);
  expect((await trust('add', 'near')).stderr).toContain('remote_workers.near');
});

it('goes over to the next key of a worker, and to the one after that', async () => {
  for (let turn = 0; turn < 2; turn += 1) {
    const [before] = keys().slice(-1);
    const { code, stderr } = await trust('rotate', 'far');
    expect([code, stderr]).toEqual([0, '']);
    const [old, now] = keys();
    expect(old?.kid).toBe(before?.kid);
    expect(old?.until).toBeGreaterThan(Date.now() + 23 * 3_600_000);
    expect(now?.kid).not.toBe(before?.kid);
    expect(now?.until).toBeUndefined();
  }
  const { code } = await trust('revoke', 'far');
  const added = await trust('add', 'far', '--key', keys().at(-1)?.kid ?? '');
  expect([code, added.code]).toEqual([0, 0]);
});

it('says what it means by a folder and by a word', async () => {
  expect((await trust('--help')).stdout).toContain('a folder of such a name is ./list');
  expect((await trust('revoke')).code).toBe(2);
  expect((await trust('./list')).stderr).toContain('There is no folder');
});
