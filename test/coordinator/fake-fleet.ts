import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { assemble, begin, type Parts } from '../../coordinator/assemble.ts';
import { fleetHandlers } from '../../coordinator/handlers/index.ts';
import { heartbeatMs } from '../../coordinator/leases.ts';
import { leaseMs } from '../../coordinator/scheduler.ts';
import { createMemoryRunStore } from '../../coordinator/store/memory-run-store.ts';
import type { RunRecord, RunStore } from '../../coordinator/store/run-store.ts';
import type { Call, Handlers } from '../../mcp/handlers.ts';
import { silent, type Telemetry } from '../../platform/telemetry.ts';
import { createLogger } from '../../platform/log.ts';
import { config as configSchema } from '../../schemas/config.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import { memoryVaultStore } from '../helpers/memory-vault-store.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import { FakeWorker, fakeLocalWorkers } from './fake-worker.ts';

export interface FakeFleet {
  parts: Parts;
  tools: Handlers<FleetContracts>;
  workers: FakeWorker[];
  store: RunStore;
  call: Call;
  folder: string;
  clock: { nowMs: number; uptimeMs: number };
  /** Starts `count` runs of pipeline `work`; their ids. */
  start(count: number, more?: Record<string, unknown>): Promise<string[]>;
  run(runId: string): Promise<RunRecord>;
  /** Once the record of a run is as asked for. */
  until(runId: string, holds: (run: RunRecord) => boolean): Promise<RunRecord>;
  ended(runId: string): Promise<RunRecord>;
  /** Checks the leases as often as it takes until that of a worker that cannot be reached has run out. */
  missForALease(): Promise<void>;
  /** Another coordinator on the same store and workers, as after a crash. */
  again(config?: Record<string, unknown>): Promise<FakeFleet>;
  close(): Promise<void>;
}

export interface FakeFleetOptions {
  slots?: number[];
  config?: Record<string, unknown>;
  store?: RunStore;
  workers?: FakeWorker[];
  env?: Record<string, string>;
  random?: () => number;
  telemetry?: Telemetry;
  folder?: string;
  /** Workers there are besides those of the configuration, of the ids after theirs. */
  more?: FakeWorker[];
}

/** All of a coordinator but its front, in this process: memory store, fake workers, a clock that stands still. */
export async function fakeFleet(options: FakeFleetOptions = {}): Promise<FakeFleet> {
  const folder = options.folder ?? scratchFolder();
  const store = options.store ?? createMemoryRunStore();
  const workers =
    options.workers ??
    (options.slots ?? [2]).map((slots, at) => new FakeWorker(`local-${String(at + 1)}`, slots));
  const byId = new Map(
    [...workers, ...(options.more ?? [])].map((worker, at) => [`local-${String(at + 1)}`, worker]),
  );
  const config = configSchema.parse({
    workers: { count: workers.length, slots: 2 },
    roots: [folder],
    runs_dir: 'off',
    pipelines: {
      work: { read_only: true, stages: [{ name: 'work', engine: 'command', argv: ['/bin/true'] }] },
      change: { stages: [{ name: 'change', engine: 'command', argv: ['/bin/true'] }] },
      codex: { stages: [{ name: 'codex', engine: 'codex' }] },
    },
    ...options.config,
  });
  const clock = { nowMs: 1_000_000, uptimeMs: 5_000 };
  const parts = await assemble({
    store,
    local: fakeLocalWorkers(byId),
    clock: { now: () => clock.nowMs, uptimeMs: () => clock.uptimeMs },
    vaultStore: memoryVaultStore(),
    masterKeyFile: join(folder, 'master-key'),
    stateDir: '/nonexistent/state',
    exportMark: join(folder, 'exported.json'),
    enrolmentFile: join(folder, 'enrolled.json'),
    trustFile: join(folder, 'trust.json'),
    replicaDir: join(folder, 'replicas'),
    blobDir: join(folder, 'blobs'),
    config,
    env: { HOME: '/home/jane', ...options.env },
    telemetry: options.telemetry ?? silent,
    log: createLogger({ name: 'test', level: 'silent' }),
    random: options.random ?? (() => 0),
    onEnd: { ended: () => undefined },
  });
  await begin(parts);
  const tools = fleetHandlers({ ...parts, isStopping: () => false });
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  const call: Call = {
    owner: 'local',
    signal,
    client: { name: 'test', version: '' },
    callId: undefined,
    cwd: undefined,
    depth: undefined,
  };
  const run = async (runId: string): Promise<RunRecord> => {
    const found = await store.get(runId);
    if (found === undefined) throw new Error(`no run ${runId}`);
    return found;
  };
  const until = async (runId: string, holds: (run: RunRecord) => boolean): Promise<RunRecord> => {
    const started = performance.now();
    for (;;) {
      const found = await run(runId);
      if (holds(found)) return found;
      if (performance.now() - started > 4_000) throw new Error(`Not so: ${JSON.stringify(found)}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    parts.scheduler.stop();
    parts.hedges.stop();
    await parts.fleet.stop(10);
    await parts.manifests.close();
  };
  onTestFinished(close);
  return {
    parts,
    tools,
    workers,
    store,
    call,
    folder,
    clock,
    run,
    until,
    close,
    missForALease: async () => {
      while (
        [...parts.fleet.workers()].some((worker) => worker.state === 'down' && worker.failedTries === 0)
      ) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      for (let passed = 0; passed <= leaseMs; passed += heartbeatMs) {
        clock.uptimeMs += heartbeatMs;
        await parts.leases.check();
      }
    },
    ended: (runId) => until(runId, (found) => isTerminal(found.status)),
    async start(count, more = {}) {
      const runs = Array.from({ length: count }, () => ({}));
      const reply = await tools.start_run(
        { pipeline: 'work', cwd: folder, task_id: 'task', runs, ...more },
        call,
      );
      return reply.runs.map((started) => started.run_id);
    },
    async again(changed = {}) {
      await close();
      return fakeFleet({ ...options, config: { ...options.config, ...changed }, store, workers, folder });
    },
  };
}

/** Once every worker is attached. */
export async function allUp({ parts }: FakeFleet): Promise<void> {
  while ([...parts.fleet.workers()].some((worker) => worker.state !== 'up')) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
