import { buildServer, type ServerFactory } from '../../mcp/build-server.ts';
import { createOwnRequests } from '../../mcp/own-requests.ts';
import { collectWhenIdle } from '../../platform/collect.ts';
import type { Environment } from '../../platform/environment.ts';
import type { Logger } from '../../platform/log.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import { version } from '../../platform/version.ts';
import type { Config } from '../../schemas/config.ts';
import { credentialsMethod } from '../../schemas/credentials.ts';
import { privacyMethod } from '../../schemas/privacy.ts';
import { workerCapabilities, workerInstructions, workerServerName } from '../../schemas/server-info.ts';
import { workerRequests } from '../../schemas/operator.ts';
import { workerContracts } from '../../schemas/tools.ts';
import { engines, type Engines } from './engines/index.ts';
import { endWorker } from './handlers/end-worker.ts';
import { forgetRuns } from './handlers/forget-runs.ts';
import { createHandlers } from './handlers/index.ts';
import { limitRun } from './handlers/limit-run.ts';
import { sealedOriginal, sealedValues } from './handlers/sealed-values.ts';
import { openWorker, type OpenWorker } from './open-worker.ts';
import { serveWorker, type Listen, type RunningWorker } from './serve.ts';

export type { RunningWorker } from './serve.ts';

export interface WorkerOptions {
  id: string;
  slots: number;
  listen: Listen;
  paths: FleetPaths;
  config: Config;
  env: Environment;
  log: Logger;
  /** Default: all there are. */
  engines?: Engines;
}

/** A worker serves one user; whose run is whose is the coordinator's business. */
const defaultOwner = 'local';

/** What a client over stdio that begins without `initialize` is told. */
const stateless = {
  serverInfo: { name: workerServerName, version },
  capabilities: workerCapabilities,
  instructions: workerInstructions,
};

/** Opens a worker and serves it. CONFLICT where it runs already, SANDBOX_UNAVAILABLE where its reaping does not work. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { id, listen, paths, config, log } = options;
  const { blobDir, trustFile, signInLock } = paths;
  const dir = paths.workerDir(id);
  const ours = [paths.stateDir, paths.configFile, paths.socketDir];
  const transport = listen.over === 'http' && listen.tls !== undefined ? 'https' : 'http';
  const worker = await openWorker({
    engines,
    transport,
    // A coordinator hands over those it has by the socket.
    isOnItsOwn: listen.over !== 'socket',
    ...options,
    dir,
    blobDir,
    trustFile,
    signInLock,
    ours,
  });
  const idleMs = config.idle.worker_ms;
  let stop = (): void => undefined;
  const factory = buildWorkerServer(worker, log, defaultOwner, () => stop());
  const running = await serveWorker(worker, factory, { listen, idleMs, stateless, log });
  stop = () => void running.stop('keep');
  collectWhenIdle(() => worker.runs.isWorking);
  return running;
}

/** The worker's MCP server, for runs of one owner. */
export function buildWorkerServer(
  worker: OpenWorker,
  log: Logger,
  owner: string = defaultOwner,
  stop: () => void = () => undefined,
): ServerFactory {
  const handlers = {
    'codex-fleet/end_worker': endWorker(worker.runs, stop),
    'codex-fleet/forget_runs': forgetRuns(worker.runs, owner),
    'codex-fleet/limit_run': limitRun(worker.runs, owner),
    ...worker.signer,
    'codex-fleet/sealed_values': sealedValues(worker),
    'codex-fleet/sealed_original': sealedOriginal(worker),
  };
  return buildServer({
    name: workerServerName,
    version,
    instructions: workerInstructions,
    contracts: workerContracts,
    handlers: createHandlers(worker),
    log,
    owner,
    requests: createOwnRequests(workerRequests, handlers, log),
    notifications: { [credentialsMethod]: worker.credentials.take, [privacyMethod]: worker.privacy.take },
  });
}
