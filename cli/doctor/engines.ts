import { join } from 'node:path';
import { limitFix } from '../../core/limits.ts';
import { sandboxFix } from '../../core/sandbox.ts';
import { effectiveConfig, loadConfig } from '../../platform/config.ts';
import { runEnvironment, runPath, type Environment } from '../../platform/environment.ts';
import { findInstall } from '../../platform/install.ts';
import { makePrivateDir, type FleetPaths } from '../../platform/paths.ts';
import { findCodex } from '../../servers/worker/engines/codex/find-codex.ts';
import { engines } from '../../servers/worker/engines/index.ts';
import { probeReaping, reportReaping } from '../../servers/worker/runner/reaping.ts';
import { createStartProcess } from '../../servers/worker/runner/start-process.ts';
import { createLimits } from '../../servers/worker/limits/limits.ts';
import { createSandbox } from '../../servers/worker/sandbox/sandbox.ts';
import type { Check } from './check.ts';

/** Asks each engine to really try what it needs, as a worker does when it starts. */
export async function checkEngines(paths: FleetPaths, env: Environment): Promise<Check[]> {
  const config = effectiveConfig(loadConfig(paths.configFile), findInstall());
  const stateDir = doctorFolder(paths);
  const { layer } = await probeReaping({ config, path: runPath(env, config), stateDir });
  try {
    const context = {
      config,
      env: runEnvironment(env, config),
      stateDir,
      startProcess: createStartProcess(layer),
    };
    const statuses = await Promise.all(Object.values(engines).map((engine) => engine.probe(context)));
    return statuses.map(({ engine, available, version, why }) => {
      const name = `engine ${engine}`;
      if (available) return { name, state: 'ok', found: version ?? 'works' };
      return { name, state: 'warning', found: 'not available', fix: why ?? 'See the log of a worker.' };
    });
  } finally {
    await layer.close();
  }
}

/** Which layers of the sandbox hold here, each tried by running what wants out in it. */
export async function checkSandbox(paths: FleetPaths, env: Environment): Promise<Check[]> {
  const config = loadConfig(paths.configFile);
  const stateDir = doctorFolder(paths);
  const path = runPath(env, config);
  const codex = await findCodex(config, path).catch(() => undefined);
  const { layer } = await probeReaping({ config, path, stateDir, codexBinary: codex?.binary });
  try {
    const sandbox = createSandbox({ layer, dir: stateDir, ours: [], path });
    const states = [...(await sandbox.prove()), await sandbox.proveHosts()];
    return states.map(({ layer: name, state, why = 'it does not work' }) =>
      state === 'enforced'
        ? { name: `sandbox ${name}`, state: 'ok', found: 'enforced' }
        : { name: `sandbox ${name}`, state: 'warning', found: `${state}: ${why}`, fix: sandboxFix(why) },
    );
  } finally {
    await layer.close();
  }
}

/** Which limits runs can be held to here, each tried by running something that goes beyond it. */
export async function checkLimits(paths: FleetPaths, env: Environment): Promise<Check[]> {
  const config = loadConfig(paths.configFile);
  const stateDir = doctorFolder(paths);
  const path = runPath(env, config);
  const codex = await findCodex(config, path).catch(() => undefined);
  const { layer } = await probeReaping({ config, path, stateDir, codexBinary: codex?.binary });
  const limits = createLimits({ layer, dir: stateDir });
  try {
    return (await limits.prove()).map((state): Check => {
      const { layer: name, state: found, why = 'it does not work' } = state;
      if (found === 'enforced') return { name: `limit ${name}`, state: 'ok', found };
      return { name: `limit ${name}`, state: 'warning', found: `${found}: ${why}`, fix: limitFix(state) };
    });
  } finally {
    await limits.close();
    await layer.close();
  }
}

/** Apart from the workers' folders: a probe must not meet what a running worker does. */
function doctorFolder(paths: FleetPaths): string {
  makePrivateDir(paths.stateDir);
  const folder = join(paths.stateDir, 'doctor');
  makePrivateDir(folder);
  return folder;
}

/** Which layers kill a run's whole process tree here, each tried by running something in it. */
export async function checkReaping(paths: FleetPaths, env: Environment): Promise<Check[]> {
  const config = loadConfig(paths.configFile);
  const path = runPath(env, config);
  const codex = await findCodex(config, path).catch(() => undefined);
  const reports = await reportReaping({ path, stateDir: doctorFolder(paths), codexBinary: codex?.binary });
  const strong = reports.some(({ reaping, works }) => works && reaping !== 'best_effort');
  return reports.map(({ reaping, works, why }) => {
    const name = `reaping ${reaping}`;
    if (works) return { name, state: 'ok', found: 'works' };
    if (strong) return { name, state: 'ok', found: `not here, and not needed: ${why ?? 'it does not work'}` };
    return { name, state: 'warning', found: 'does not work', fix: why ?? 'Install bubblewrap.' };
  });
}
