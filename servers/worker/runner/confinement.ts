import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { contains } from '../../../core/cwd-rule.ts';
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
    ...[...writable, ...foldersAboveHidden(confinement)].map((path) => ({
      path,
      words: ['--bind', path, path],
    })),
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

/**
 * The folders above what is hidden in a writable one. Each a mount of its own, none can be renamed: else the
 * next run would hide an empty folder of that name, and what was in it would lie elsewhere.
 */
export function foldersAboveHidden({
  writable,
  readable,
  hidden,
}: Pick<Confinement, 'writable' | 'readable' | 'hidden'>): string[] {
  const places = [...readable, ...hidden, ...writable].toSorted((one, other) => other.length - one.length);
  const isWritable = (folder: string): boolean => {
    const innermost = places.find((place) => contains(place, folder));
    return innermost !== undefined && innermost !== folder && writable.includes(innermost);
  };
  const above = (path: string): string[] => {
    const folder = dirname(path);
    return isWritable(folder) ? [folder, ...above(folder)] : [];
  };
  return [...new Set(hidden.flatMap(above))];
}

function depthOf(path: string): number {
  return path.split(sep).filter(Boolean).length;
}

/**
 * Equal for confinements whose namespaces can stand for each other. What was made anew under the same name
 * is another: a mount shows the old folder, and is gone from over a file that was replaced.
 */
export function confinementKey(confinement: Confinement): string {
  const { writable, readable, hidden } = confinement;
  const folders = [...writable, ...readable, ...hidden].map((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    // Numbers are given again.
    return found === undefined ? path : [found.dev, found.ino, found.birthtimeMs].join(':');
  });
  return createHash('sha256')
    .update(JSON.stringify([confinement, folders]))
    .digest('hex');
}
