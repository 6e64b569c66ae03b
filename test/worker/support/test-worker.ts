import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { shakeHands, type Peer } from '../../../mcp/client.ts';
import { createLogger } from '../../../platform/log.ts';
import { config as configSchema, type Config } from '../../../schemas/config.ts';
import { workerContracts, type WorkerContracts } from '../../../schemas/tools.ts';
import type { RunDetail } from '../../../schemas/worker.ts';
import { engines } from '../../../servers/worker/engines/index.ts';
import { buildWorkerServer } from '../../../servers/worker/main.ts';
import { openWorker, type OpenWorker } from '../../../servers/worker/open-worker.ts';
import type { RunRecord } from '../../../servers/worker/runs/record.ts';
import { readRecords } from '../../../servers/worker/runs/record-journal.ts';
import { ScriptedEngine } from './scripted-engine.ts';

export type WorkerPeer = Peer<WorkerContracts>;

export interface TestWorker extends OpenWorker {
  dir: string;
  codex: ScriptedEngine;
  command: ScriptedEngine;
  /** A client over a memory transport. */
  connect: (owner?: string) => Promise<WorkerPeer>;
  /** Ends it as a shutdown does. */
  stop: (how: 'keep' | 'cancel') => Promise<void>;
}

/** Pipelines of the tests: `ask` asks the scripted codex, `tell` runs the scripted command. */
const pipelines = {
  ask: { stages: [{ name: 'turn', engine: 'codex' }] },
  tell: { stages: [{ name: 'say', engine: 'command', argv: ['/bin/echo'] }] },
  both: {
    stages: [
      { name: 'first', engine: 'command', argv: ['/bin/echo'] },
      { name: 'second', engine: 'codex', prompt: 'go on' },
      { name: 'third', engine: 'command', argv: ['/bin/echo'] },
    ],
  },
  stubborn: {
    stop_on_failure: false,
    stages: [
      { name: 'first', engine: 'command', argv: ['/bin/echo'] },
      { name: 'second', engine: 'command', argv: ['/bin/echo'] },
    ],
  },
};

export function newWorkerDir(): string {
  const dir = mkdtempSync(join('/var/tmp', 'fw-'));
  onTestFinished(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

export async function openTestWorker(
  options: {
    dir?: string;
    slots?: number;
    config?: Record<string, unknown>;
    keysMs?: number;
    isOnItsOwn?: boolean;
    engines?: Partial<typeof engines>;
  } = {},
): Promise<TestWorker> {
  const dir = options.dir ?? newWorkerDir();
  const config: Config = configSchema.parse({
    reaping: 'best_effort',
    sandbox: { profile: 'off' },
    pipelines,
    ...options.config,
  });
  const codex = new ScriptedEngine('codex', 'turn_boundary');
  const command = new ScriptedEngine('command', 'stopped');
  const log = createLogger({ name: 'test-worker', level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
  const worker = await openWorker({
    id: 'w1',
    slots: options.slots ?? 2,
    dir,
    blobDir: join(dir, 'blobs'),
    trustFile: join(dir, 'trust.json'),
    signInLock: join(dir, 'sign-in.lock'),
    ours: [dir],
    config,
    env: { PATH: '/usr/bin:/bin' },
    log,
    engines: { ...engines, codex, command, ...options.engines },
    keysMs: options.keysMs,
    isOnItsOwn: options.isOnItsOwn ?? false,
  });
  let stopping: Promise<void> | undefined;
  const stop = async (how: 'keep' | 'cancel'): Promise<void> => {
    await worker.runs.close(how);
    await worker.release();
  };
  const stopOnce = (how: 'keep' | 'cancel'): Promise<void> => (stopping ??= stop(how));
  onTestFinished(() => stopOnce('cancel'));
  const connect = async (owner = 'jane'): Promise<WorkerPeer> => {
    const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
    await buildWorkerServer(worker, log, owner)().connect(serverSide);
    const peer = await shakeHands(workerContracts, clientSide);
    onTestFinished(() => peer.close());
    return peer;
  };
  return { ...worker, dir, codex, command, connect, stop: stopOnce };
}

/** Polls until the run is in one of these states and answers with all that is known of it. */
export async function until(
  peer: WorkerPeer,
  runId: string,
  ...statuses: string[]
): Promise<NonNullable<Awaited<ReturnType<typeof detailsOf>>[number]>> {
  let cursor = '0';
  for (;;) {
    const reply = await peer.call('poll_run', { run_ids: [runId], detail: true, cursor, wait_ms: 5_000 });
    const detail = reply.details?.find((one) => statuses.includes(one.status));
    if (detail !== undefined) return detail;
    if (reply.open === 0 || reply.cursor === cursor)
      throw new Error(`The run never became ${statuses.join(' or ')}: ${JSON.stringify(reply)}`);
    cursor = reply.cursor;
  }
}

export async function detailsOf(peer: WorkerPeer, cursor = '0') {
  return (await peer.call('poll_run', { detail: true, cursor })).details ?? [];
}

/** As it is on disk. */
export function recordOf(workerDir: string, runId: string): RunRecord {
  const record = readRecords(workerDir).get(runId);
  if (record === undefined) throw new Error(`There is no record of ${runId}.`);
  return record;
}

/** What the worker tells of a run once it is as asked for. */
export async function detailWhere(
  peer: WorkerPeer,
  runId: string,
  holds: (detail: RunDetail) => boolean,
): Promise<RunDetail> {
  let cursor = '0';
  for (;;) {
    const reply = await peer.call('poll_run', { run_ids: [runId], detail: true, cursor, wait_ms: 5_000 });
    const detail = reply.details?.find(holds);
    if (detail !== undefined) return detail;
    if (reply.cursor === cursor) throw new Error(`Never so: ${JSON.stringify(reply)}`);
    cursor = reply.cursor;
  }
}
