import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** What of the kernel counts and bounds, in cgroup v1 each perhaps in a hierarchy of its own. */
export const controllerNames = ['memory', 'pids', 'cpu', 'cpuacct'] as const;
export type ControllerName = (typeof controllerNames)[number];

/** A folder below which cgroups with that controller can be made, or so it seems. */
export interface Controller {
  version: 1 | 2;
  parent: string;
}
export type Controllers = ReadonlyMap<ControllerName, Controller>;

interface Mount {
  root: string;
  folder: string;
  type: string;
  options: readonly string[];
}

/** By the kernel's own tables, proc_pid_mountinfo(5) and cgroups(7). */
export interface CgroupTables {
  mounts: string;
  own: string;
  /** A file's content, '' where there is none. */
  read: (file: string) => string;
}

export function cgroupTables(): CgroupTables {
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  return { mounts: read('/proc/self/mountinfo'), own: read('/proc/self/cgroup'), read };
}

/**
 * Where each controller is to be had for cgroups below our own: what bounds this process bounds them, too.
 * In cgroup v2 a group with processes in it cannot hand a controller on, so there it is a neighbour of ours,
 * in the nearest group above that hands it on and sets no bound we would leave.
 */
export function findControllers({ mounts, own, read }: CgroupTables): Controllers {
  const all = mounts.split('\n').flatMap(readMount);
  const groups = own.split('\n').map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  const pathOf = (names: string): string | undefined => groups.find((group) => group?.[1] === names)?.[2];
  const found = new Map<ControllerName, Controller>();
  for (const name of controllerNames) {
    const mount = all.find(({ type, options }) => type === 'cgroup' && options.includes(name));
    const path = groups.find((group) => group?.[1]?.split(',').includes(name))?.[2];
    const parent = mount && path !== undefined ? folderIn(mount, path) : undefined;
    if (parent !== undefined) found.set(name, { version: 1, parent });
  }
  const unified = all.find(({ type }) => type === 'cgroup2');
  const path = pathOf('');
  const home = unified && path !== undefined ? folderIn(unified, path) : undefined;
  if (unified === undefined || home === undefined) return found;
  for (const name of controllerNames) {
    if (found.has(name)) continue;
    const parent = handingOn(name, home, unified.folder, read);
    if (parent !== undefined) found.set(name, { version: 2, parent });
  }
  return found;
}

/** Fields: id, parent, device, root, mount point, options, optional fields up to `-`, type, source, options. */
function readMount(line: string): Mount[] {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root, folder] = before.split(' ');
  const [type, , options] = after.split(' ');
  if (root === undefined || folder === undefined || type?.startsWith('cgroup') !== true) return [];
  return [{ root, folder, type, options: (options ?? '').split(',') }];
}

/** A container sees a part of the hierarchy, and a path that may begin above it. */
function folderIn({ root, folder }: Mount, path: string): string | undefined {
  const inside = relative(root, path);
  return inside === '..' || inside.startsWith('../') ? undefined : join(folder, inside);
}

function handingOn(
  name: ControllerName,
  home: string,
  top: string,
  read: (file: string) => string,
): string | undefined {
  // CPU time is counted in every group.
  if (name === 'cpuacct') return home;
  for (let folder = home; folder.startsWith(top); folder = dirname(folder)) {
    if (read(join(folder, 'cgroup.subtree_control')).split(/\s+/).includes(name)) return folder;
    if (isBounded(folder, read)) return undefined;
    if (folder === top) return undefined;
  }
  return undefined;
}

/** A group someone has bounded is not left; how many tasks it may have is a bound every service has by default. */
function isBounded(folder: string, read: (file: string) => string): boolean {
  return ['memory.max', 'memory.high', 'cpu.max'].some((file) => {
    const value = read(join(folder, file)).trim();
    return value !== '' && !value.startsWith('max');
  });
}
