import { join } from 'node:path';
import { FleetError } from '../../core/errors.ts';
import { effectiveConfig, loadConfig } from '../../platform/config.ts';
import { environmentOf, runPath, type Environment } from '../../platform/environment.ts';
import { findInstall } from '../../platform/install.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import { findCodex, type CodexProgram } from '../../servers/worker/engines/codex/find-codex.ts';
import { bwrapBesideCodex, isExecutable } from '../../servers/worker/runner/find-programs.ts';
import { recordedProcesses } from '../fleet/process-record.ts';
import type { Check } from './check.ts';

/** The environment runs would get theirs from. */
export interface Captured {
  env: Environment;
  /** Whose it is. */
  from: string;
}

/** The running coordinator's, which it was started with and keeps; without one, this shell's. */
export function capturedEnvironment(paths: FleetPaths, env: Environment): Captured {
  const coordinator = recordedProcesses(paths).find(({ name, running }) => name === 'coordinator' && running);
  const captured = coordinator === undefined ? undefined : environmentOf(coordinator.pid);
  if (captured === undefined) return { env, from: 'of this shell; `codex-fleet up` takes it over' };
  return { env: { ...env, PATH: captured['PATH'] }, from: 'as the coordinator was started with' };
}

/** What runs need beyond Node, looked for along the PATH they get. */
export async function checkPrograms(paths: FleetPaths, { env, from }: Captured): Promise<Check[]> {
  const config = effectiveConfig(loadConfig(paths.configFile), findInstall());
  const path = runPath(env, config);
  const whose = config.path === undefined ? from : 'of the configuration';
  const codex = await findCodex(config, path).catch((error: unknown) => {
    if (error instanceof FleetError) return error;
    throw error;
  });
  return [
    { name: 'PATH for runs', state: 'ok', found: `${path} (${whose})` },
    checkGit(onPath('git', path)),
    checkCodex(codex),
    checkBwrap(onPath('bwrap', path) ?? shippedBwrap(codex)),
  ];
}

/** Git serves the `diagnostics` pipeline, private workspaces and the diffs of runs. */
function checkGit(file: string | undefined): Check {
  const fix = 'Install git, or add its folder to "path" in the configuration.';
  return file === undefined ? missing('git', fix) : { name: 'git', state: 'ok', found: file };
}

function checkCodex(codex: CodexProgram | FleetError): Check {
  if (codex instanceof FleetError) return missing('codex', `${codex.message} ${codex.next}`);
  return { name: 'codex', state: 'ok', found: codex.binary };
}

/** Bubblewrap makes sure that nothing of a run outlives it. */
function checkBwrap(file: string | undefined): Check {
  const fix =
    'Install bubblewrap (`apt install bubblewrap`); see "reaping" below for what is used without it.';
  return file === undefined ? missing('bwrap', fix) : { name: 'bwrap', state: 'ok', found: file };
}

function missing(name: string, fix: string): Check {
  return { name, state: 'warning', found: 'missing on the PATH for runs', fix };
}

function onPath(name: string, path: string): string | undefined {
  return path
    .split(':')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function shippedBwrap(codex: CodexProgram | FleetError): string | undefined {
  return codex instanceof FleetError ? undefined : bwrapBesideCodex(codex.binary)[0];
}
