import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Launched, ReapingLayer } from './layer.ts';
import type { ProcessTree } from './process-tree.ts';
import { startGuard } from './guard.ts';
import { send, waitUntil } from './process-table.ts';
import type { ProcessSpec } from './process.ts';
import { refuseConfinement } from './confinement.ts';
import { errnoOf, spawnChild } from './spawn-child.ts';

const killMs = 5_000;
const freezePolls = 2_000;

/**
 * The cgroup v2 folder this process is in, by `/proc/self/cgroup` and the mount of the unified
 * hierarchy (cgroups(7)); undefined where none is mounted.
 */
export function findOwnCgroup(): string | undefined {
  try {
    const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
    const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
    return mount === undefined || path === undefined ? undefined : join(mount, path);
  } catch {
    return undefined;
  }
}

/** Kills all processes of a cgroup and of those below it, then removes the folders. */
export async function endCgroup(folder: string): Promise<void> {
  if (removeCgroup(folder)) return;
  await waitUntil(() => {
    killAll(folder);
    return removeCgroup(folder);
  }, killMs);
}

/** At once where the kernel does it; cgroup v1 has no such file, and nobody may make one there. */
function killAll(folder: string): void {
  try {
    writeFileSync(join(folder, 'cgroup.kill'), '1', { flag: 'r+' });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    for (const pid of pidsOf(folder)) if (pid !== process.pid) send(pid, 'SIGKILL');
  }
}

/** The kernel removes only a cgroup nobody is in: true is the proof that all are dead. */
function removeCgroup(folder: string): boolean {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory() && !removeCgroup(join(folder, entry.name))) return false;
    }
    rmdirSync(folder);
    return true;
  } catch (error) {
    return errnoOf(error) === 'ENOENT';
  }
}

/**
 * Every run in a cgroup of its own below `base`, which a guard process kills as a whole when this
 * process dies. A child must be inside before it can fork, and a shell that moves itself and execs
 * would change the run's environment and hide why an exec failed: so this process steps in, spawns,
 * and steps out again, all in one turn. `home` is the cgroup it came from.
 */
export function cgroupLayer(home: string, base: string): ReapingLayer {
  mkdirSync(base);
  const guard = startGuard(base);
  let count = 0;
  return {
    reaping: 'cgroup',
    whyNotConfined: 'a cgroup holds processes together and hides nothing from them',
    launch(spec) {
      refuseConfinement(spec);
      count += 1;
      const folder = join(base, String(count));
      mkdirSync(folder);
      return launchInside(home, folder, spec);
    },
    async close() {
      await guard.close();
      await endCgroup(base);
    },
  };
}

function launchInside(home: string, folder: string, spec: ProcessSpec): Launched {
  let child: ChildProcess | undefined;
  try {
    moveTo(folder);
    try {
      child = spawnChild(spec.argv, spec, spec.cwd);
    } finally {
      moveTo(home);
    }
    return { child, tree: new CgroupTree(folder) };
  } catch (error) {
    // Either nothing was started, or we are still inside and must not kill the cgroup as a whole.
    if (child?.pid !== undefined) send(-child.pid, 'SIGKILL');
    removeCgroup(folder);
    throw error;
  }
}

/** `0` stands for the process that writes. */
function moveTo(folder: string): void {
  writeFileSync(join(folder, 'cgroup.procs'), '0');
}

class CgroupTree implements ProcessTree {
  readonly collectors = [];
  readonly #folder: string;
  #death: Promise<void> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  askToEnd(): void {
    for (const pid of pidsOf(this.#folder)) send(pid, 'SIGTERM');
    this.continue();
  }

  stop(): void {
    this.#freeze('1');
    for (let poll = 0; poll < freezePolls && !this.#isFrozen(); poll += 1);
  }

  continue(): void {
    this.#freeze('0');
  }

  pids(): number[] {
    return pidsOf(this.#folder);
  }

  kill(): Promise<void> {
    this.#death ??= endCgroup(this.#folder);
    return this.#death;
  }

  #freeze(value: '0' | '1'): void {
    try {
      writeFileSync(join(this.#folder, 'cgroup.freeze'), value);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }

  #isFrozen(): boolean {
    try {
      return readFileSync(join(this.#folder, 'cgroup.events'), 'utf8').includes('frozen 1');
    } catch {
      return true;
    }
  }
}

function pidsOf(folder: string): number[] {
  try {
    const own = readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
    const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...own, ...below.flatMap((entry) => pidsOf(join(folder, entry.name)))];
  } catch {
    return [];
  }
}
