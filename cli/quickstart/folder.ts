import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../platform/config.ts';
import type { Environment } from '../../platform/environment.ts';
import { fleetPaths, makePrivateDir, type FleetPaths } from '../../platform/paths.ts';
import type { Config } from '../../schemas/config.ts';
import { recordedProcesses } from '../fleet/process-record.ts';

/** Where one quickstart keeps its fleet: the user's own is left alone. */
export interface Quickstart {
  paths: FleetPaths;
  /** The environment in which every process of ours finds that place. */
  env: Environment;
  config: Config;
}

/**
 * Makes a private state folder inside the user's, with the user's configuration but 2 workers and no
 * HTTP. What the last quickstart kept is removed; its handles could be read until now.
 */
export function openQuickstart(env: Environment): Quickstart {
  const own = fleetPaths(env);
  const home = join(own.stateDir, 'quickstart');
  makePrivateDir(own.stateDir);
  makePrivateDir(home);
  removeEarlier(home, env);
  const stateDir = mkdtempSync(join(home, 'q-'));
  const configFile = join(stateDir, 'config.json');
  const users = loadConfig(own.configFile);
  const config = {
    ...users,
    workers: { ...users.workers, count: 2 },
    http: { ...users.http, enabled: false },
  };
  writeFileSync(configFile, JSON.stringify(config, undefined, 2), { mode: 0o600 });
  const ownEnv = { ...env, CODEX_FLEET_STATE_DIR: stateDir, CODEX_FLEET_CONFIG: configFile };
  return { paths: fleetPaths(ownEnv), env: ownEnv, config };
}

function removeEarlier(home: string, env: Environment): void {
  for (const name of readdirSync(home)) {
    const stateDir = join(home, name);
    const isAlive = recordedProcesses(fleetPaths({ ...env, CODEX_FLEET_STATE_DIR: stateDir })).some(
      ({ running }) => running,
    );
    if (!isAlive) rmSync(stateDir, { recursive: true, force: true });
  }
}
