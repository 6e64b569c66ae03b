import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { sep } from 'node:path';
import type { Confinement, ProcessSpec } from './process.ts';

export const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/** Room for what programs share over /dev/shm. */
const sharedBytes = 64 * 1024 * 1024;

// prettier-ignore
const ownDevices = [
  '--ro-bind', '/', '/', '--tmpfs', '/dev',
  ...devices.flatMap((name) => ['--dev-bind', `/dev/${name}`, `/dev/${name}`]),
  '--symlink', '/proc/self/fd', '/dev/fd', '--symlink', '/proc/self/fd/0', '/dev/stdin',
  '--symlink', '/proc/self/fd/1', '/dev/stdout', '--symlink', '/proc/self/fd/2', '/dev/stderr',
  '--dir', '/dev/shm', '--remount-ro', '/dev', '--size', String(sharedBytes), '--tmpfs', '/dev/shm',
];

/**
 * What root may write whatever its capabilities. bwrap leaves /proc/sys as it is, since the folder
 * itself is not writable.
 */
const kernelKnobs = ['sys', 'sysrq-trigger', 'irq', 'bus', 'fs'].map((name) => `/proc/${name}`);

/** Below the hidden /run: what resolves names where there is a network, and a system's own programs. */
export const shownOfRun = ['/run/systemd/resolve', '/run/resolvconf', '/run/current-system'];

/** For layers that cannot hold a run to anything: it must not run with less than was asked. */
export function refuseConfinement({ confinement }: ProcessSpec): void {
  if (confinement === undefined) return;
  throw Object.assign(new Error('a confined run needs a namespace'), { code: 'EPERM' });
}

interface Mount {
  path: string;
  words: string[];
  /** Sealed once all that lies in it is mounted. */
  seal?: boolean;
}

/**
 * bwrap's arguments for a confinement: everything read-only, /dev, /tmp and /run of its own, and then
 * the outer folders before the inner ones, so that what is said of an inner one counts. No devpts: it
 * would cost users other than root a second user namespace, which nsenter could not enter.
 */
export function confinementArguments(confinement: Confinement): string[] {
  const { writable, network, tmpBytes } = confinement;
  const shown = [...confinement.readable, ...(network ? shownOfRun : shownOfRun.slice(-1))].filter(
    existsSync,
  );
  const shownAsIs = new Set([...writable, ...shown]);
  const mounts: Mount[] = [
    { path: '/tmp', words: ['--size', String(tmpBytes), '--tmpfs', '/tmp'] },
    { path: '/run', words: ['--tmpfs', '/run'], seal: true },
    ...confinement.hidden.filter((path) => !shownAsIs.has(path)).flatMap(hide),
    ...shown.map((path) => ({ path, words: ['--ro-bind', path, path] })),
    ...writable.map((path) => ({ path, words: ['--bind', path, path] })),
  ].toSorted((one, other) => depthOf(one.path) - depthOf(other.path));
  return [
    ...ownDevices,
    '--proc',
    '/proc',
    ...kernelKnobs.flatMap((path) => ['--ro-bind-try', path, path]),
    ...mounts.flatMap(({ words }) => words),
    ...mounts.filter(({ seal }) => seal === true).flatMap(({ path }) => ['--remount-ro', path]),
    '--unshare-ipc',
    '--unshare-uts',
    ...(network ? [] : ['--unshare-net']),
    '--cap-drop',
    'ALL',
  ];
}

function hide(path: string): Mount[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (found.isDirectory()) return [{ path, words: ['--tmpfs', path], seal: true }];
  return [{ path, words: ['--ro-bind', '/dev/null', path] }];
}

function depthOf(path: string): number {
  return path.split(sep).filter(Boolean).length;
}

/**
 * Equal for confinements whose namespaces can stand for each other. A folder that was made anew under
 * the same name is another one: a mount shows the old.
 */
export function confinementKey(confinement: Confinement): string {
  const folders = [...confinement.writable, ...confinement.readable].map((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? path : `${String(found.dev)}:${String(found.ino)}`;
  });
  return createHash('sha256')
    .update(JSON.stringify([confinement, folders]))
    .digest('hex');
}
