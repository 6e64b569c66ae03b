import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import { isNewer } from '../../core/versions.ts';
import { connect, type Peer } from '../../mcp/client.ts';
import { loadConfig } from '../../platform/config.ts';
import { resolveCredentials } from '../../platform/credentials.ts';
import type { Environment } from '../../platform/environment.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import { version } from '../../platform/version.ts';
import { cliClientName } from '../../schemas/server-info.ts';
import { fleetContracts, type FleetContracts } from '../../schemas/tools.ts';
import { coordinatorLog } from './coordinator-log.ts';
import { startCoordinatorProcess } from './start-coordinator.ts';

export type Fleet = Peer<FleetContracts>;

const startTimeoutMs = 20_000;
const dialEveryMs = 50;

/** The coordinator that runs; WORKER_UNAVAILABLE with the command to start one where none does. */
export async function connectFleet(paths: FleetPaths): Promise<Fleet> {
  const fleet = await connectWhereUp(paths);
  if (fleet !== undefined) return fleet;
  throw new FleetError('WORKER_UNAVAILABLE', 'The fleet is not up.', { next: 'Run `codex-fleet up`.' });
}

/** The coordinator, started where none as new as this program runs, with this process's credentials handed over. */
export async function ensureFleet(paths: FleetPaths, env: Environment): Promise<Fleet> {
  const fleet = (await connectAsNew(paths)) ?? (await startFleet(paths, env));
  const values = await resolveCredentials(loadConfig(paths.configFile).credentials, env);
  if (Object.keys(values).length > 0) await fleet.notify('notifications/codex-fleet/credentials', { values });
  return fleet;
}

/** Does `work` and closes the connection. */
export async function withFleet<T>(
  connecting: Promise<Fleet>,
  work: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  const fleet = await connecting;
  try {
    return await work(fleet);
  } finally {
    await fleet.close();
  }
}

async function startFleet(paths: FleetPaths, env: Environment): Promise<Fleet> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline) {
    await startCoordinatorProcess(paths, env);
    await delay(dialEveryMs);
    const fleet = await connectAsNew(paths);
    if (fleet !== undefined) return fleet;
  }
  throw new FleetError('WORKER_UNAVAILABLE', 'The coordinator did not come up.', {
    next: `Look at the end of ${coordinatorLog(paths)}.`,
  });
}

/** An older coordinator is as good as none: the one to start takes over from it. */
async function connectAsNew(paths: FleetPaths): Promise<Fleet | undefined> {
  const fleet = await connectWhereUp(paths);
  if (fleet === undefined || !isNewer(version, fleet.server.version)) return fleet;
  await fleet.close();
  return undefined;
}

/** The coordinator, or undefined where none runs. */
export async function connectWhereUp(paths: FleetPaths): Promise<Fleet | undefined> {
  try {
    return await connect(fleetContracts, { socket: paths.coordinatorSocket }, { clientName: cliClientName });
  } catch (error) {
    if (error instanceof FleetError && error.code === 'WORKER_UNAVAILABLE') return undefined;
    throw error;
  }
}
