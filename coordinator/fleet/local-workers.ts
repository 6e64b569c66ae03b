import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import { ownEnvironment, type Environment } from '../../platform/environment.ts';
import { findInstall } from '../../platform/install.ts';
import { launchDetached } from '../../platform/launch.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import { trustedVariables } from '../../platform/project-config.ts';
import { identify, stillRuns, type ProcessIdentity } from '../../platform/process-identity.ts';
import type { Config } from '../../schemas/config.ts';
import { openWorkerLink, type WorkerLink } from './worker-link.ts';

/** The processes of the local workers: found where they live on, started where they do not. */
export interface LocalWorkers {
  /** Connects to the worker's process, started where none answers. WORKER_UNAVAILABLE where it ended or is stuck. */
  open(id: string, signal: AbortSignal): Promise<WorkerLink>;
  /** Tells one of them, or all, to end, and kills those that still run after `graceMs`. */
  end(graceMs: number, id?: string): Promise<void>;
}

const startTimeoutMs = 15_000;
const dialEveryMs = 15;
const lookEveryMs = 15;

export function createLocalWorkers(options: {
  paths: FleetPaths;
  config: Config;
  env: Environment;
}): LocalWorkers {
  const { paths, config, env } = options;
  const processes = new Map<string, ProcessIdentity>();

  function remember(id: string, pid: number): void {
    const identity = identify(pid);
    if (identity !== undefined) processes.set(id, identity);
  }
  async function launch(id: string): Promise<number> {
    const pid = await launchDetached({
      install: findInstall(),
      args: [
        'worker',
        '--id',
        id,
        '--slots',
        String(config.workers.slots),
        '--socket',
        paths.workerSocket(id),
      ],
      env: ownEnvironment(env, [...config.env, ...trustedVariables(paths.trustFile)]),
      logFile: join(paths.logDir, `worker-${id}.log`),
    });
    remember(id, pid);
    return pid;
  }
  return {
    async open(id, signal) {
      const target = { socket: paths.workerSocket(id) };
      const link = (await dial(target, signal)) ?? (await awaitStarted(id, await launch(id), target, signal));
      remember(id, link.descriptor.pid);
      return link;
    },
    async end(graceMs, id) {
      const asked = [...processes].filter(([name]) => id === undefined || name === id);
      const running = asked.map(([, identity]) => identity).filter(stillRuns);
      for (const { pid } of running) signalProcess(pid, 'SIGTERM');
      await allEnded(running, graceMs);
      for (const identity of running.filter(stillRuns)) signalProcess(identity.pid, 'SIGKILL');
      await allEnded(running, graceMs);
    },
  };
}

/** Until it answers, unless its process ends first. */
async function awaitStarted(
  id: string,
  pid: number,
  target: { socket: string },
  signal: AbortSignal,
): Promise<WorkerLink> {
  const deadline = performance.now() + startTimeoutMs;
  while (performance.now() < deadline) {
    const ended = identify(pid) === undefined;
    const link = await dial(target, signal);
    if (link !== undefined) return link;
    if (ended)
      throw new FleetError('WORKER_UNAVAILABLE', `Worker ${id} ended as it started; its log says why.`);
    await delay(dialEveryMs, undefined, { signal });
  }
  throw new FleetError('WORKER_UNAVAILABLE', `Worker ${id} did not answer in time.`);
}

async function dial(target: { socket: string }, signal: AbortSignal): Promise<WorkerLink | undefined> {
  try {
    return await openWorkerLink(target, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FleetError && error.code === 'WORKER_UNAVAILABLE') return undefined;
    throw error;
  }
}

function signalProcess(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended in between.
  }
}

async function allEnded(identities: readonly ProcessIdentity[], timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (identities.some(stillRuns) && performance.now() < deadline) await delay(lookEveryMs);
}
