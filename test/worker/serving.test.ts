import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { connect } from '../../mcp/client.ts';
import { createLogger } from '../../platform/log.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { config as configSchema } from '../../schemas/config.ts';
import { credentialsMethod } from '../../schemas/credentials.ts';
import { workerContracts } from '../../schemas/tools.ts';
import { engines } from '../../servers/worker/engines/index.ts';
import { startWorker, type RunningWorker } from '../../servers/worker/main.ts';
import { probeEngines } from '../../servers/worker/probe-engines.ts';
import { recordsFile } from '../../servers/worker/runs/record-journal.ts';
import type { Listen } from '../../servers/worker/serve.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import { newWorkerDir, openTestWorker, until } from './support/test-worker.ts';

const log = createLogger({ name: 'test-worker', level: 'silent' });
const secret = 'a secret of the tests';

async function serve(dir: string, listen: Listen): Promise<RunningWorker> {
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: dir,
    CODEX_FLEET_STATE_DIR: dir,
    CODEX_FLEET_CONFIG: join(dir, 'c.json'),
  };
  const config = configSchema.parse({ reaping: 'best_effort' });
  const running = await startWorker({ id: 'w1', slots: 3, listen, paths: fleetPaths(env), config, env, log });
  onTestFinished(() => running.stop('keep'));
  return running;
}

describe('a worker serves', () => {
  test('over a private Unix socket, which is gone with it', async () => {
    const dir = newWorkerDir();
    const path = join(dir, 'w.sock');
    const running = await serve(dir, { over: 'socket', path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const peer = await connect(workerContracts, { socket: path });
    expect(peer.server).toMatchObject({ name: 'codex-fleet-worker' });
    expect(await peer.call('describe_worker', {})).toMatchObject({
      worker_id: 'w1',
      slots: 3,
      reaping: 'best_effort',
    });
    await running.stop('keep');
    await running.closed;
    await peer.closed;
    expect(readdirSync(dir)).not.toContain('w.sock');
  });

  test('over HTTP to whoever has the secret', async () => {
    const running = await serve(newWorkerDir(), { over: 'http', port: 0, secret });
    const url = `http://127.0.0.1:${String(running.port)}/mcp`;
    const peer = await connect(workerContracts, { url, secret });
    onTestFinished(() => peer.close());
    expect(await peer.call('describe_worker', {})).toMatchObject({ worker_id: 'w1' });
    await expect(connect(workerContracts, { url, secret: 'another' })).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    });
  });

  test('a socket that is taken is refused, and the folder is free again', async () => {
    const dir = newWorkerDir();
    const path = join(dir, 'w.sock');
    const first = await serve(dir, { over: 'socket', path });
    const elsewhere = newWorkerDir();
    await expect(serve(elsewhere, { over: 'socket', path })).rejects.toMatchObject({ code: 'CONFLICT' });
    await first.stop('keep');
    await serve(elsewhere, { over: 'socket', path });
  });
});

test('credentials go to engines from memory, and nowhere else', async () => {
  const worker = await openTestWorker();
  const peer = await worker.connect();
  await peer.notify(credentialsMethod, { values: { API_KEY: 'sk-very-secret', OTHER: 'x' } });
  await peer.notify(credentialsMethod, { values: 'nonsense' });
  const { runs } = await peer.call('start_run', { pipeline: 'ask', prompt: 'p', cwd: '/tmp' });
  const session = await worker.codex.session(1);
  expect(session.context.credential('API_KEY')).toBe('sk-very-secret');
  expect(session.context.credential('NONE')).toBeUndefined();
  expect(JSON.stringify(session.context.env)).not.toContain('sk-very-secret');
  session.finish({ kind: 'exit', code: 0 });
  await until(peer, runs[0]?.run_id ?? '', 'completed');
  for (const entry of readdirSync(worker.dir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile())
      expect(readFileSync(join(entry.parentPath, entry.name), 'utf8')).not.toContain('sk-very-secret');
  }
});

test('a worker on its own takes credentials of its configuration that are for it, into memory only', async () => {
  const file = join(scratchFolder(), 'key');
  writeFileSync(file, 'canary-of-a-file\n');
  const credentials = {
    MINE: { command: ['/bin/echo', 'canary-of-a-command'], workers: ['w0', 'w1'] },
    ALL: { file },
    OTHERS: { command: ['/bin/false'], workers: ['w2'] },
  };
  const worker = await openTestWorker({ isOnItsOwn: true, config: { credentials } });
  const peer = await worker.connect();
  await peer.call('start_run', { pipeline: 'ask', prompt: 'p', cwd: '/tmp' });
  const { context } = await worker.codex.session(1);
  expect(['MINE', 'ALL', 'OTHERS'].map((name) => context.credential(name))).toEqual([
    'canary-of-a-command',
    'canary-of-a-file',
    undefined,
  ]);
  expect(JSON.stringify(context.env)).not.toContain('canary-of');
  for (const entry of readdirSync(worker.dir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile())
      expect(readFileSync(join(entry.parentPath, entry.name), 'utf8')).not.toContain('canary-of-a-file');
  }
  const handed = await openTestWorker({ config: { credentials } });
  await (await handed.connect()).call('start_run', { pipeline: 'ask', prompt: 'p', cwd: '/tmp' });
  expect((await handed.codex.session(1)).context.credential('MINE')).toBeUndefined();
  await expect(
    openTestWorker({ isOnItsOwn: true, config: { credentials: { GONE: { file: '/nowhere' } } } }),
  ).rejects.toThrow('Credential GONE');
});

describe('a state folder that takes nothing more', () => {
  test('ends a run whose output cannot be kept', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const { runs } = await peer.call('start_run', { pipeline: 'tell', cwd: '/tmp' });
    const session = await worker.command.session(1);
    blockFolder(join(worker.dir, 'handles'));
    session.write('stdout', 'lost words\n'.repeat(1000));
    expect(session.cause).toEqual({ kind: 'limit', which: 'disk' });
    expect(await until(peer, runs[0]?.run_id ?? '', 'failed')).toMatchObject({
      outcome: { kind: 'limit', which: 'disk' },
    });
  });

  test('keeps the end of a run in memory, and on disk as soon as that can be', async () => {
    const dir = newWorkerDir();
    const worker = await openTestWorker({ dir });
    const peer = await worker.connect();
    const { runs } = await peer.call('start_run', { pipeline: 'tell', cwd: '/tmp' });
    const run_id = runs[0]?.run_id ?? '';
    const unblock = fillDisk(recordsFile(dir));
    (await worker.command.session(1)).finish({ kind: 'exit', code: 4 });
    expect(await until(peer, run_id, 'failed')).toMatchObject({ outcome: { kind: 'exit', code: 4 } });
    unblock();
    await worker.stop('keep');
    const again = await openTestWorker({ dir });
    expect(await until(await again.connect(), run_id, 'failed')).toMatchObject({
      outcome: { kind: 'exit', code: 4 },
    });
  });
});

/** Root writes anywhere: a file in the folder's place refuses everybody. */
function blockFolder(folder: string): () => void {
  renameSync(folder, `${folder}.aside`);
  writeFileSync(folder, '');
  const unblock = (): void => {
    mkdirSync(`${folder}.aside`, { recursive: true });
    renameSync(folder, `${folder}.file`);
    renameSync(`${folder}.aside`, folder);
  };
  return unblock;
}

/** The device that is always full, under the number by which this process writes the file. */
function fillDisk(file: string): () => void {
  const fd = readdirSync('/proc/self/fd')
    .map(Number)
    .find((each) => linkOf(each) === file);
  if (fd === undefined) throw new Error(`${file} is not open.`);
  openAs(fd, '/dev/full', constants.O_RDWR);
  return () => {
    openAs(fd, file, constants.O_RDWR | constants.O_APPEND);
  };
}

function linkOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${String(fd)}`);
  } catch {
    return undefined;
  }
}

/** The lowest free number is given first: those before it are opened too, and closed again. */
function openAs(fd: number, file: string, flags: number): void {
  closeSync(fd);
  const others: number[] = [];
  for (let given = openSync(file, flags); given !== fd; given = openSync(file, flags)) others.push(given);
  for (const other of others) closeSync(other);
}

describe('the probes of the engines', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('are waited for, but not for ever', async () => {
    let answer: (status: { engine: 'codex'; available: true; version: string }) => void = () => undefined;
    const slow = new Promise<{ engine: 'codex'; available: true; version: string }>((resolve) => {
      answer = resolve;
    });
    const context = {
      config: configSchema.parse({}),
      env: {},
      stateDir: '/nowhere',
      startProcess: () => neverStarted(),
    };
    const statuses = probeEngines({ ...engines, codex: { ...engines.codex, probe: () => slow } }, context);
    const early = statuses();
    await vi.advanceTimersByTimeAsync(4_000);
    expect((await early).find((one) => one.engine === 'codex')).toMatchObject({
      available: false,
      why: expect.any(String),
    });
    answer({ engine: 'codex', available: true, version: '1.2.3' });
    expect((await statuses()).find((one) => one.engine === 'codex')).toEqual({
      engine: 'codex',
      available: true,
      version: '1.2.3',
    });
  });
});

function neverStarted(): never {
  throw new Error('No process is started here.');
}
