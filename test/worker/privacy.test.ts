import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createExports } from '../../coordinator/privacy/export.ts';
import { openOriginal } from '../../coordinator/privacy/open-original.ts';
import { openVault, type Scope } from '../../coordinator/privacy/vault.ts';
import { createMemoryRunStore } from '../../coordinator/store/memory-run-store.ts';
import { makeSurrogate } from '../../core/privacy/surrogate.ts';
import { createLogger } from '../../platform/log.ts';
import { createMac } from '../../platform/privacy/keys.ts';
import { config as configSchema } from '../../schemas/config.ts';
import type { OriginalName } from '../../schemas/privacy.ts';
import { createWorkerPrivacy } from '../../servers/worker/privacy/worker-privacy.ts';
import { newRun } from '../helpers/runs.ts';
import { makeRepository } from '../helpers/repository.ts';
import { memoryVaultStore } from '../helpers/memory-vault-store.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import { detailWhere, newWorkerDir, openTestWorker, until, type TestWorker } from './support/test-worker.ts';

const task = 't';
const address = 'jane.doe@example.org';

async function keysOfTask() {
  const clock = { now: () => 1_000 };
  const masterKeyFile = join(scratchFolder(), 'master-key');
  const vault = openVault({ store: memoryVaultStore(), masterKeyFile, keepMs: 60_000, clock });
  return { vault, scope: await vault.scope(task) };
}

function give(worker: TestWorker, { surrogateKey, publicKey }: Scope): void {
  worker.privacy.take({
    task_id: task,
    surrogate_key: surrogateKey.toString('base64'),
    public_key: publicKey.toString('base64'),
  });
}

async function begin(worker: TestWorker, more: Record<string, unknown> = {}) {
  const repo = makeRepository(join(scratchFolder(), 'repo'), {});
  const peer = await worker.connect();
  const input = { pipeline: 'ask', prompt: 'p', cwd: repo, task_id: task, ...more };
  const { runs } = await peer.call('start_run', input);
  return { peer, runId: runs[0]?.run_id ?? '', session: await worker.codex.session(1) };
}

/** What a coordinator that has the keys can read of it. */
function original(worker: TestWorker, scope: Scope, runId: string, name: OriginalName) {
  const fetch = (from: number): Promise<string> =>
    Promise.resolve(worker.privacy.readOriginal(runId, name, from, 1_000)?.toString('base64') ?? '');
  return openOriginal(fetch, scope, runId, name);
}

async function guarded(worker: TestWorker, runId: string, stream: string): Promise<string> {
  const handle = worker.handles.ofRun(runId).find((one) => one.stream === stream);
  return (await worker.handles.read(handle?.handle_id ?? '', 0, handle?.bytes ?? 0)).toString();
}

describe('what a run wrote', () => {
  test('is kept to the byte, sealed, beside what its handles show', async () => {
    const worker = await openTestWorker();
    const { scope } = await keysOfTask();
    give(worker, scope);
    const { peer, runId, session } = await begin(worker, { artifacts: ['*.csv'] });
    const { cwd } = session.context;
    writeFileSync(join(cwd, 'contact.txt'), `write to ${address}\n`);
    writeFileSync(join(cwd, `of ${address}.csv`), `name,mail\nJane Doe,${address}\n`);
    session.finish({ kind: 'exit', code: 0 });
    const detail = await until(peer, runId, 'completed');
    expect(detail.privacy?.replaced?.EMAIL).toBeGreaterThan(1);
    const diff = await guarded(worker, runId, 'diff');
    expect(diff).toMatch(/\+write to EMAIL_[0-9a-z]{18}/);
    const patch = await original(worker, scope, runId, 'diff');
    expect(patch?.toString()).toContain(`+write to ${address}\n`);
    const artifact = detail.handles.find(({ stream }) => stream === 'artifact');
    expect(artifact?.name).toMatch(/^of EMAIL_[0-9a-z]{18}\.csv$/);
    expect(await guarded(worker, runId, 'artifact')).not.toContain('example.org');
    const file = await original(worker, scope, runId, `artifact:${artifact?.name ?? ''}`);
    expect(file?.toString()).toBe(`name,mail\nJane Doe,${address}\n`);
    const folder = join(worker.dir, 'sealed', runId);
    for (const name of readdirSync(folder))
      expect(readFileSync(join(folder, name)).includes(address), name).toBe(false);
  });

  test('waits for the key it can be kept under', async () => {
    const worker = await openTestWorker();
    const { peer, runId, session } = await begin(worker);
    writeFileSync(join(session.context.cwd, 'contact.txt'), `write to ${address}\n`);
    session.finish({ kind: 'exit', code: 0 });
    const { scope } = await keysOfTask();
    await expect
      .poll(() => worker.handles.ofRun(runId).some(({ state }) => state === 'sealed'), { timeout: 5_000 })
      .toBe(true);
    give(worker, scope);
    await until(peer, runId, 'completed');
    expect((await original(worker, scope, runId, 'diff'))?.toString()).toContain(address);
    await expect.poll(() => existsSync(join(worker.dir, 'runs', runId, 'workspace'))).toBe(false);
  });

  test('stays in its private copy where nobody gives one', async () => {
    const worker = await openTestWorker({ keysMs: 20 });
    const { peer, runId, session } = await begin(worker);
    const { cwd } = session.context;
    writeFileSync(join(cwd, 'contact.txt'), `write to ${address}\n`);
    session.finish({ kind: 'exit', code: 0 });
    const detail = await until(peer, runId, 'failed');
    expect(detail.error).toContain('no coordinator has given the key');
    expect(readFileSync(join(cwd, 'contact.txt'), 'utf8')).toContain(address);
  });

  test('fails where a surrogate stands in a line it added, and stays', async () => {
    const worker = await openTestWorker();
    const { scope } = await keysOfTask();
    give(worker, scope);
    const { peer, runId, session } = await begin(worker);
    const { cwd } = session.context;
    const surrogate = makeSurrogate(scope.mac, 'EMAIL', address, address);
    writeFileSync(join(cwd, 'contact.txt'), `write to ${surrogate}\n`);
    session.finish({ kind: 'exit', code: 0 });
    const detail = await until(peer, runId, 'failed');
    expect(detail.outcome).toMatchObject({ kind: 'engine', code: 'surrogate_in_diff' });
    expect(existsSync(join(cwd, 'contact.txt'))).toBe(true);
  });

  test("may have another task's surrogates in it, which stand for nothing here", async () => {
    const worker = await openTestWorker();
    const { scope } = await keysOfTask();
    give(worker, scope);
    const { peer, runId, session } = await begin(worker);
    const foreign = makeSurrogate(createMac(randomBytes(32)), 'EMAIL', address, address);
    writeFileSync(join(session.context.cwd, 'contact.txt'), `write to ${foreign}\n`);
    session.finish({ kind: 'exit', code: 0 });
    expect((await until(peer, runId, 'completed')).outcome).toEqual({ kind: 'exit', code: 0 });
  });
});

test('what a run wrote is kept by the next process where its worker was killed, under keys told again', async () => {
  const dir = newWorkerDir();
  const worker = await openTestWorker({ dir });
  const { scope } = await keysOfTask();
  give(worker, scope);
  const { runId, session } = await begin(worker);
  writeFileSync(join(session.context.cwd, 'contact.txt'), `write to ${address}\n`);
  // The disk as a kill leaves it.
  cpSync(dir, `${dir}.killed`, { recursive: true, verbatimSymlinks: true });
  await worker.stop('cancel');
  rmSync(dir, { recursive: true });
  renameSync(`${dir}.killed`, dir);
  // Of a process that is gone: this one is not.
  rmSync(join(dir, 'lock'));
  const again = await openTestWorker({ dir });
  const peer = await again.connect();
  await expect
    .poll(() => again.handles.ofRun(runId).some(({ state }) => state === 'sealed'), { timeout: 5_000 })
    .toBe(true);
  expect((await detailWhere(peer, runId, () => true)).status).toBe('running');
  give(again, scope);
  const detail = await until(peer, runId, 'failed');
  expect(detail.outcome).toEqual({ kind: 'lost', resumable: false });
  expect(await guarded(again, runId, 'diff')).toContain(
    `+write to ${makeSurrogate(scope.mac, 'EMAIL', address, address)}\n`,
  );
  expect((await original(again, scope, runId, 'diff'))?.toString()).toContain(`+write to ${address}\n`);
});

describe('a worker that stands alone', () => {
  async function said(worker: TestWorker): Promise<string> {
    const { peer, runId, session } = await begin(worker, { workspace: 'none' });
    session.write('stdout', `write to ${address}\n`);
    session.finish({ kind: 'exit', code: 0 });
    await until(peer, runId, 'completed');
    return guarded(worker, runId, 'stdout');
  }

  test('makes surrogates of its own, which nobody can undo and no other worker makes', async () => {
    const worker = await openTestWorker();
    const first = await said(worker);
    expect(first).toMatch(/^write to EMAIL_[0-9a-z]{18}\n$/);
    worker.codex.sessions.length = 0;
    expect(await said(worker)).toBe(first);
    expect(await said(await openTestWorker())).not.toBe(first);
    expect(existsSync(join(worker.dir, 'sealed'))).toBe(false);
  });
});

test.each([
  [true, 'resumable', 'memory', true],
  [true, 'private', 'memory', true],
  [false, 'resumable', 'disk', true],
  [false, 'private', 'none', false],
] as const)(
  'memory alone for conversations: %s, and without it %s: they lie in %s, and are kept: %s',
  async (hasMemory, without_memory, home, keepsThreads) => {
    const { privacy } = configSchema.parse({ privacy: { without_memory } });
    const log = createLogger({ name: 'test', level: 'silent' });
    const worker = createWorkerPrivacy({ dir: scratchFolder(), privacy, hasMemory, log });
    await worker.ready();
    const run = worker.ofRun('run', task);
    expect(run.keepsThreads).toBe(keepsThreads);
    expect(run.told()).toEqual({ mode: 'enforce', home });
  },
);

test('counts of what was replaced outlive the process of the worker', async () => {
  const dir = newWorkerDir();
  const worker = await openTestWorker({ dir });
  const { scope } = await keysOfTask();
  give(worker, scope);
  const { peer, runId, session } = await begin(worker, { workspace: 'none' });
  session.context.report({ kind: 'thread', thread_id: 'th' });
  session.write('stdout', `write to ${address}\n`);
  await peer.call('pause_run', { run_id: runId });
  await worker.stop('keep');
  const again = await openTestWorker({ dir });
  const detail = await until(await again.connect(), runId, 'paused');
  expect(detail.privacy?.replaced).toEqual({ EMAIL: 1 });
});

describe('a sink', () => {
  test('gets the values of the types it may have; another is refused, and both are on record', async () => {
    const { vault, scope } = await keysOfTask();
    const email = makeSurrogate(scope.mac, 'EMAIL', address, address);
    const phone = makeSurrogate(scope.mac, 'PHONE', '+1', '+1');
    const lost = makeSurrogate(scope.mac, 'EMAIL', 'gone', 'gone');
    await vault.put(scope, [
      { surrogate: email, raw: Buffer.from(address) },
      { surrogate: phone, raw: Buffer.from('+1') },
    ]);
    const { privacy } = configSchema.parse({ privacy: { allow: { post: ['EMAIL'] } } });
    const store = createMemoryRunStore();
    const run = newRun({ spec: { task_id: task } });
    await store.submit([run]);
    const reach = (): Promise<never> => Promise.reject(new Error('Nobody is asked for values.'));
    const exports = createExports({ store, fleet: { reach }, vault, config: { privacy } });
    const found = { run_id: run.run_id, handle: { handle_id: 'h' } };
    const asked = [email, phone, lost, 'EMAIL_000000000000000000'];
    expect(await exports.restore(found, 'post', asked)).toEqual({
      [email]: Buffer.from(address).toString('base64'),
    });
    await expect(exports.restore(found, 'elsewhere', [email])).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    });
    const [refused, given] = vault.restores({ scope: task }, 10);
    expect(given).toMatchObject({
      destination: 'post',
      allowed: true,
      restored: { EMAIL: 1 },
      withheld: { PHONE: 1 },
      unknown: 2,
    });
    expect(refused).toMatchObject({ destination: 'elsewhere', allowed: false, restored: {} });
  });
});
