import { setTimeout as delay } from 'node:timers/promises';
import { isNewer } from '../core/versions.ts';
import { collectWhenIdle } from '../platform/collect.ts';
import type { Environment } from '../platform/environment.ts';
import type { Logger } from '../platform/log.ts';
import type { FleetPaths } from '../platform/paths.ts';
import { createTelemetry } from '../platform/telemetry.ts';
import { version } from '../platform/version.ts';
import type { Config } from '../schemas/config.ts';
import { handOverParams } from '../schemas/hand-over.ts';
import { assemble, begin, type Parts } from './assemble.ts';
import { systemClock } from './clock.ts';
import { deferred } from './deferred.ts';
import { createLocalWorkers } from './fleet/local-workers.ts';
import { openFront } from './front.ts';
import type { HandlerDeps } from './handlers/deps.ts';
import { watchIdle } from './idle.ts';
import { repeatCheck } from './leases.ts';
import { repeatCollect } from './retention/repeat.ts';
import { fleetServer, owner } from './server.ts';
import { stopParts, type StopHow } from './stop.ts';
import { openSqliteStores } from './store/sqlite-run-store.ts';

export interface CoordinatorOptions {
  paths: FleetPaths;
  /** With the built-in pipelines and commands. */
  config: Config;
  env: Environment;
  log: Logger;
  /** Called once the state folder is this coordinator's own, before anybody can connect. */
  onLocked?: () => void;
}

export interface RunningCoordinator {
  /** Settles when nothing of the coordinator is left, and its local workers have ended or are handed over. */
  readonly closed: Promise<void>;
  stop(how: StopHow): Promise<void>;
}

/** Undone from the last to the first. */
export type Cleanup = (() => Promise<void> | void)[];

/** How long a coordinator that cannot open what is behind its front tells callers why, before it ends. */
const tellMs = 1_000;

/** Opens the front, then all that is behind it; what has to be undone is added to `cleanup` as it is done. */
export async function openCoordinator(
  options: CoordinatorOptions,
  cleanup: Cleanup,
  close: () => Promise<void>,
): Promise<RunningCoordinator> {
  const { paths, config, log } = options;
  let clients = 0;
  let inUse = (): boolean => true;
  let stopping: Promise<void> | undefined;
  const look = (): void => idle.update(stopping !== undefined || inUse());
  const idle = watchIdle(config.idle.coordinator_ms, () => void stop('keep'));
  const ready = deferred<HandlerDeps>();
  // First of all: clients that wait for the coordinator connect from now on.
  const onClients = (count: number): void => {
    clients = count;
    look();
  };
  const onHandOver = (params: unknown): void => {
    const asked = handOverParams.safeParse(params).data?.version;
    if (asked === undefined || !isNewer(asked, version)) return;
    log.info({ to: asked }, 'hands over');
    ready.promise.then(() => stop('hand_over')).catch(() => undefined);
  };
  const front = await openFront({
    server: fleetServer(ready.promise, onHandOver, log),
    paths,
    config,
    onClients,
    log,
  });
  cleanup.push(() => front.close(), idle.close);
  const parts = await openParts(options, cleanup, look).catch(async (error: unknown) => {
    ready.reject(error);
    await delay(tellMs);
    throw error;
  });

  const closed = deferred<void>();
  const end = async (how: StopHow): Promise<void> => {
    // What clients ask from now on they keep for the next coordinator.
    if (how === 'hand_over') await front.close();
    await stopParts(parts, how).catch((error: unknown) => log.error({ err: error }, 'not stopped in order'));
    await close();
    closed.resolve();
  };
  const stop = (how: StopHow): Promise<void> => (stopping ??= end(how));
  cleanup.push(repeatCheck(parts.leases, log), repeatCollect(parts.retention, parts.vault, log));
  inUse = () => clients > 0 || parts.attempts.size > 0 || parts.scheduler.queued > 0;
  ready.resolve({ ...parts, isStopping: () => stopping !== undefined });
  look();
  void front.openHttp();
  collectWhenIdle(() => parts.attempts.size > 0 || parts.scheduler.queued > 0);
  void parts.manifests.catchUp(owner);
  return { closed: closed.promise, stop };
}

/** All that is behind the front, with the runs and workers of last time taken up. */
async function openParts(
  { paths, config, env, log }: CoordinatorOptions,
  cleanup: Cleanup,
  onEnd: () => void,
): Promise<Parts> {
  const telemetry = await createTelemetry(env);
  const stores = await openSqliteStores(paths.database);
  // Closed after the front, whose calls use it, and before the lock.
  cleanup.splice(1, 0, () => stores.close());
  const parts = await assemble({
    store: stores.runs,
    vaultStore: stores.vault,
    masterKeyFile: paths.masterKeyFile,
    clock: systemClock,
    config,
    env,
    telemetry,
    log,
    local: createLocalWorkers({ paths, config, env }),
    stateDir: paths.stateDir,
    exportMark: paths.exportMark,
    enrolmentFile: paths.enrolmentFile,
    trustFile: paths.trustFile,
    replicaDir: paths.replicaDir,
    blobDir: paths.blobDir,
    random: Math.random,
    onEnd: { ended: onEnd },
  });
  // What was told last is written once nobody is told any more.
  cleanup.splice(2, 0, () => parts.told.save());
  await begin(parts);
  return parts;
}
