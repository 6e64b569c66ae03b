import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Counted } from '../../../core/limits.ts';
import type { RunLimits } from '../../../schemas/limits.ts';
import { endCgroup } from '../runner/cgroup.ts';
import type { ControllerName } from './controllers.ts';

/** A cgroup of one run, of one version of the interface. */
interface Folder {
  version: 1 | 2;
  path: string;
}

/** The cgroups a run's processes are in: one for each hierarchy its limits need. */
export interface RunGroup {
  /** What a process is to join, before it starts another. */
  readonly folders: readonly string[];
  counted(): Counted;
  pids(): number[];
  /** Kills what is left inside, and removes them. */
  close(): Promise<void>;
}

/** As short as this: within a period a run may take all cores at once, and what else runs waits for that long. */
const shortestPeriodUs = 20_000;
/** The kernel takes no less. */
const leastQuotaUs = 1_000;

/** What the limits need; and what would tell which processes a run has, where nothing else does. */
export function controllersFor(limits: RunLimits): { needed: ControllerName[]; wanted?: ControllerName } {
  const needed: ControllerName[] = [];
  if (limits.memory_bytes !== undefined) needed.push('memory');
  if (limits.processes !== undefined) needed.push('pids');
  if (limits.cpu_cores !== undefined) needed.push('cpu');
  if (limits.cpu_ms !== undefined) needed.push('cpuacct');
  const isLookedAt = limits.disk_bytes !== undefined || limits.open_files !== undefined;
  return isLookedAt && needed.length === 0 ? { needed, wanted: 'cpuacct' } : { needed };
}

/**
 * Makes the folders and writes the limits. `bases` holds, by controller, the folder ours are made in;
 * `extra` is how many processes of ours will be among the run's. Throws where the kernel refuses.
 */
export function makeRunGroup(
  bases: ReadonlyMap<ControllerName, Folder>,
  name: string,
  limits: RunLimits,
  extra: number,
): RunGroup {
  const held = new Map<ControllerName, Folder>();
  const { needed, wanted } = controllersFor(limits);
  for (const controller of wanted === undefined ? needed : [wanted]) {
    const base = bases.get(controller);
    if (base === undefined) continue;
    held.set(controller, { version: base.version, path: join(base.path, name) });
  }
  const folders = [...new Set([...held.values()].map(({ path }) => path))];
  for (const folder of folders) mkdirSync(folder);
  for (const [controller, folder] of held) bound(controller, folder, limits, extra);
  return {
    folders,
    counted: () => Object.assign({}, ...[...held].map(([controller, folder]) => count(controller, folder))),
    pids: () => (folders[0] === undefined ? [] : pidsIn(folders[0])),
    close: async () => {
      await Promise.all(folders.map(endCgroup));
    },
  };
}

function bound(
  controller: ControllerName,
  { version, path }: Folder,
  limits: RunLimits,
  extra: number,
): void {
  const { memory_bytes: memory, processes, cpu_cores: cores } = limits;
  const put = (file: string, value: string): void => {
    writeFileSync(join(path, file), value);
  };
  /** Where the kernel knows no swap, there is no such file. */
  const putIfThere = (file: string, value: string): void => {
    if (statSync(join(path, file), { throwIfNoEntry: false }) !== undefined) put(file, value);
  };
  if (controller === 'memory' && memory !== undefined) {
    if (version === 1) {
      put('memory.limit_in_bytes', String(memory));
      putIfThere('memory.memsw.limit_in_bytes', String(memory));
    } else {
      putIfThere('memory.swap.max', '0');
      putIfThere('memory.oom.group', '1');
      put('memory.max', String(memory));
    }
  }
  if (controller === 'pids' && processes !== undefined) put('pids.max', String(processes + extra));
  if (controller === 'cpu' && cores !== undefined) {
    const periodUs = Math.max(shortestPeriodUs, Math.ceil(leastQuotaUs / cores));
    const [quota, period] = [String(Math.round(cores * periodUs)), String(periodUs)];
    if (version === 2) put('cpu.max', `${quota} ${period}`);
    else {
      put('cpu.cfs_period_us', period);
      put('cpu.cfs_quota_us', quota);
    }
  }
}

function count(controller: ControllerName, { version, path }: Folder): Counted {
  const value = (file: string, name: string): number => {
    const text = readFileSync(join(path, file), 'latin1');
    return Number((name === '' ? text : new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]) ?? NaN);
  };
  switch (controller) {
    case 'memory':
      return { memoryKills: value(version === 1 ? 'memory.oom_control' : 'memory.events', 'oom_kill') };
    case 'pids':
      return { refusedProcesses: value('pids.events', 'max') };
    case 'cpuacct':
      return {
        cpuMs: version === 1 ? value('cpuacct.usage', '') / 1e6 : value('cpu.stat', 'usage_usec') / 1e3,
      };
    case 'cpu':
      return {};
  }
}

/** How often its processes had to wait because of `cpu_cores`. */
export function throttledPeriods(folder: string): number {
  return Number(/^nr_throttled (\d+)$/m.exec(readFileSync(join(folder, 'cpu.stat'), 'latin1'))?.[1]);
}

function pidsIn(folder: string): number[] {
  return readFileSync(join(folder, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean).map(Number);
}
