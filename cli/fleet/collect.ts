import { existsSync } from 'node:fs';
import { collectOffline } from '../../coordinator/retention/offline.ts';
import type { AskWorker } from '../../coordinator/retention/tell-workers.ts';
import { FleetError } from '../../core/errors.ts';
import { connect } from '../../mcp/client.ts';
import { loadConfig } from '../../platform/config.ts';
import { createLogger } from '../../platform/log.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import { operatorRequests, workerRequests, type Collected } from '../../schemas/operator.ts';
import { workerContracts } from '../../schemas/tools.ts';
import { openWorkerFiles, type WorkerFiles, type WorkerPlace } from '../../servers/worker/worker-files.ts';
import { connectWhereUp } from './connect.ts';

const method = 'codex-fleet/collect';
/** Forgetting ten thousand runs takes a minute. */
const timeoutMs = 600_000;

/** Has the coordinator collect, or does it where none runs; undefined where there never was a fleet. */
export async function collect(paths: FleetPaths, dryRun: boolean): Promise<Collected | undefined> {
  const fleet = await connectWhereUp(paths);
  if (fleet === undefined) return existsSync(paths.database) ? withoutCoordinator(paths, dryRun) : undefined;
  try {
    return await fleet.request(method, operatorRequests[method], { dry_run: dryRun }, { timeoutMs });
  } finally {
    await fleet.close();
  }
}

async function withoutCoordinator(paths: FleetPaths, dryRun: boolean): Promise<Collected> {
  const config = loadConfig(paths.configFile);
  const log = createLogger({ name: 'gc', level: 'error' });
  const opened = new Map<string, WorkerFiles>();
  const ask: AskWorker = async (id, keys, onlyLook) => {
    const dir = paths.workerDir(id);
    const files = opened.get(id) ?? (await filesOf({ dir, blobDir: paths.blobDir, id }));
    if (files === undefined) return askProcess(paths, id, keys, onlyLook);
    opened.set(id, files);
    return files.forget(keys, onlyLook);
  };
  try {
    return await collectOffline({ paths, config, ask, log, dryRun });
  } finally {
    await Promise.all([...opened.values()].map((files) => files.close()));
  }
}

/** undefined where the worker runs. WORKER_UNAVAILABLE for one that has nothing here. */
async function filesOf(place: WorkerPlace): Promise<WorkerFiles | undefined> {
  if (!existsSync(place.dir))
    throw new FleetError('WORKER_UNAVAILABLE', `Worker ${place.id} has no files here.`);
  return openWorkerFiles(place).catch((error: unknown) => {
    if (error instanceof FleetError && error.code === 'CONFLICT') return undefined;
    throw error;
  });
}

/** One that has outlived its coordinator. */
async function askProcess(
  paths: FleetPaths,
  id: string,
  keys: readonly string[],
  dryRun: boolean,
): Promise<string[]> {
  const forget = 'codex-fleet/forget_runs';
  const worker = await connect(workerContracts, { socket: paths.workerSocket(id) });
  try {
    const params = { keys: [...keys], dry_run: dryRun };
    return (await worker.request(forget, workerRequests[forget], params)).kept;
  } finally {
    await worker.close();
  }
}
