import { createHash } from 'node:crypto';
import { accessSync, constants, statfsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './environment.ts';
import { makePrivateDir } from './paths.ts';

/** Of a file system that is in memory only (statfs(2): TMPFS_MAGIC). */
const inMemory = 0x01021994;

/**
 * A folder of this user for what must not reach a disk and must survive a process: 0700, on a tmpfs, gone with
 * a restart of the machine. The same for the same `owner`; undefined where there is no tmpfs to write to.
 */
export function privateMemory(env: Environment, owner: string): string | undefined {
  const base = memoryOf(env);
  if (base === undefined) return undefined;
  const own = join(base, `codex-fleet-${String(userInfo().uid)}`);
  const folder = join(own, createHash('sha256').update(owner).digest('hex').slice(0, 16));
  try {
    makePrivateDir(own);
    makePrivateDir(folder);
    return folder;
  } catch {
    return undefined;
  }
}

export function hasPrivateMemory(env: Environment): boolean {
  return memoryOf(env) !== undefined;
}

function memoryOf(env: Environment): string | undefined {
  return [env['XDG_RUNTIME_DIR'], '/dev/shm'].find((dir) => dir !== undefined && isWritableMemory(dir));
}

function isWritableMemory(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    return statfsSync(dir).type === inMemory;
  } catch {
    return false;
  }
}
