import { loadConfig } from '../../platform/config.ts';
import { ownEnvironment, type Environment } from '../../platform/environment.ts';
import { findInstall } from '../../platform/install.ts';
import { launchDetached } from '../../platform/launch.ts';
import { makePrivateDir, type FleetPaths } from '../../platform/paths.ts';
import { trustedVariables } from '../../platform/project-config.ts';
import { coordinatorLog } from './coordinator-log.ts';
import { dropStartHint, takeStartHint } from './start-hint.ts';

/**
 * Starts the coordinator as a process of its own, unless another process is just doing that. It
 * answers on its socket a little later. Throws what keeps it from starting at all.
 */
export async function startCoordinatorProcess(paths: FleetPaths, env: Environment): Promise<void> {
  makePrivateDir(paths.stateDir);
  if (!takeStartHint(paths)) return;
  try {
    await launchDetached({
      install: findInstall(),
      args: ['coordinator'],
      env: ownEnvironment(env, [...loadConfig(paths.configFile).env, ...trustedVariables(paths.trustFile)]),
      logFile: coordinatorLog(paths),
    });
  } catch (error) {
    dropStartHint(paths);
    throw error;
  }
}
