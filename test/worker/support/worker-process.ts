import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { connect, shakeHands } from '../../../mcp/client.ts';
import { createLineTransport } from '../../../mcp/line-transport.ts';
import { workerContracts } from '../../../schemas/tools.ts';
import type { WorkerPeer } from './test-worker.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const programs = {
  cli: join(root, 'dist', 'cli', 'main.js'),
  scripted: join(root, 'test', 'fixtures', 'scripted-worker.mjs'),
};

/** What the tests' workers may run: all of it harmless. */
export const testConfig = {
  commands: [{ argv: ['/bin/sh', '...'], trust_arguments: true }, { argv: ['/bin/echo', '...'] }],
  pipelines: {
    shell: {
      inputs: { script: { type: 'string', required: true, max_length: 4000 } },
      stages: [{ name: 'sh', engine: 'command', argv: ['/bin/sh', '-c', '${inputs.script}'] }],
    },
    ask: { stages: [{ name: 'turn', engine: 'codex' }] },
  },
};

export interface WorkerProcess {
  child: ChildProcess;
  /** Settles with the exit code, or the signal's name. */
  ended: Promise<number | string>;
  log: () => string;
}

export interface WorkerPlace {
  stateDir: string;
  socket: string;
  /** The worker's own folder. */
  dir: string;
  /** Where its runs work. */
  cwd: string;
  start: (program: keyof typeof programs, over: 'socket' | 'stdio') => WorkerProcess;
  /** Connects as soon as the socket answers. */
  connect: () => Promise<WorkerPeer>;
}

/** A state folder of its own, and processes of one worker id in it. */
export function newPlace(config: Record<string, unknown> = {}): WorkerPlace {
  const stateDir = mkdtempSync(join('/var/tmp', 'fw-'));
  const socket = join(stateDir, 'w.sock');
  const whole = { ...testConfig, ...config };
  const cwd = join(stateDir, 'work');
  for (const dir of ['tmp', 'work']) mkdirSync(join(stateDir, dir));
  writeFileSync(join(stateDir, 'config.json'), JSON.stringify(whole));
  onTestFinished(() => {
    rmSync(stateDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  });
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: stateDir,
    TMPDIR: join(stateDir, 'tmp'),
    CODEX_FLEET_STATE_DIR: stateDir,
    CODEX_FLEET_CONFIG: join(stateDir, 'config.json'),
    TEST_CONFIG: JSON.stringify(whole),
  };
  return {
    stateDir,
    socket,
    dir: join(stateDir, 'workers', 'w1'),
    cwd,
    start: (program, over) => {
      const listen = over === 'stdio' ? ['--stdio'] : ['--socket', socket];
      const args = program === 'cli' ? ['worker', '--id', 'w1', ...listen] : [stateDir, 'w1', socket];
      return follow(spawn(process.execPath, [programs[program], ...args], { env, cwd: '/', stdio: 'pipe' }));
    },
    connect: () => dial(socket),
  };
}

function follow(child: ChildProcess): WorkerProcess {
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString('utf8')));
  const ended = once(child, 'exit').then(([code, signal]: unknown[]): number | string =>
    typeof code === 'number' ? code : String(signal),
  );
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, log: () => log };
}

async function dial(socket: string): Promise<WorkerPeer> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    try {
      const peer = await connect(workerContracts, { socket });
      onTestFinished(() => peer.close());
      return peer;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** A client on the process's stdin and stdout. */
export async function connectStdio({ child }: WorkerProcess): Promise<WorkerPeer> {
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('The process has no pipes.');
  const transport = createLineTransport(
    { readable: stdout, writable: stdin, release: () => stdin.end() },
    'client',
  );
  return shakeHands(workerContracts, transport, { timeoutMs: 15_000 });
}
