import { limitOfEnd, reachedLimit, type Counted } from '../../../core/limits.ts';
import type { LimitLayer, RunLimits } from '../../../schemas/limits.ts';
import type { LimitName } from '../../../schemas/run.ts';
import type { ProcessTree } from '../runner/process-tree.ts';
import type { ProcessEnd, StartProcess } from '../runner/process.ts';
import type { RunGroups } from './groups.ts';
import { launcher } from './launcher.ts';
import { countProcesses, diskBytesOf, mostOpenFiles } from './process-counts.ts';
import type { RunGroup } from './run-group.ts';

/** A run that is held to limits: all processes it starts are. */
export interface HeldRun {
  around(startProcess: StartProcess): StartProcess;
  /** Once nothing of it runs. */
  close(): Promise<void>;
}

export interface HeldRunOptions {
  limits: RunLimits;
  /** Of them, those whose layers are not enforced: held by looking, where that is possible. */
  without: ReadonlySet<LimitLayer>;
  groups: RunGroups;
  /** How many processes of ours are among a run's: in its cgroups, and in its tree. */
  ours: (confined: { filtersCalls: boolean } | undefined) => { inGroup: number; inTree: number };
  watch: LimitWatch;
  /** Once: the limit that was reached. */
  onReached: (which: LimitName) => void;
}

/** Looks at all held runs of a worker from time to time. */
export interface LimitWatch {
  add(look: () => void): void;
  remove(look: () => void): void;
}

/** A core runs over its CPU time by no more than this. */
const lookMs = 100;

export function createLimitWatch(): LimitWatch {
  const looks = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  return {
    add(look) {
      looks.add(look);
      timer ??= setInterval(() => {
        for (const one of looks) one();
      }, lookMs).unref();
    },
    remove(look) {
      looks.delete(look);
      if (looks.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    },
  };
}

export function holdRun({ limits, without, groups, ours, watch, onReached }: HeldRunOptions): HeldRun {
  const trees = new Set<ProcessTree>();
  let group: RunGroup | undefined;
  let isReached = false;
  let inTree = 0;

  const reach = (which: LimitName): void => {
    if (isReached) return;
    isReached = true;
    onReached(which);
    for (const tree of trees) void tree.kill();
  };
  const look = (): void => {
    const which = reachedLimit(limits, count(group, trees, limits, without, inTree * trees.size));
    if (which !== undefined) reach(which);
  };
  const ended = (tree: ProcessTree | undefined, end: ProcessEnd): void => {
    if (tree !== undefined) trees.delete(tree);
    if (trees.size === 0) watch.remove(look);
    const counted = group?.counted() ?? {};
    // It ended well, if over its time by less than anybody would have seen.
    const told = end.kind === 'exit' && end.code === 0 ? { ...counted, cpuMs: 0 } : counted;
    const which = limitOfEnd(limits, end, counted) ?? reachedLimit(limits, told);
    if (which !== undefined) reach(which);
  };
  return {
    around: (startProcess) => (spec, io) => {
      const among = ours(spec.confinement);
      inTree = among.inTree;
      group ??= groups.make(enforcedOf(limits, without), among.inGroup);
      let tree: ProcessTree | undefined;
      const held = {
        through: launcher(limits, group.folders, spec.env),
        began: (began: ProcessTree): void => {
          tree = began;
          trees.add(began);
          watch.add(look);
        },
        ended: (end: ProcessEnd): void => {
          ended(tree, end);
        },
      };
      return startProcess({ ...spec, held }, io);
    },
    async close() {
      watch.remove(look);
      await group?.close();
    },
  };
}

function pidsOf(trees: ReadonlySet<ProcessTree>): number[] {
  return [...trees].flatMap((tree) => tree.pids());
}

/** Those the kernel holds. */
function enforcedOf(limits: RunLimits, without: ReadonlySet<LimitLayer>): RunLimits {
  const { memory_bytes, cpu_ms, cpu_cores, processes, ...others } = limits;
  return {
    ...others,
    ...(memory_bytes !== undefined && !without.has('memory') && { memory_bytes }),
    ...(cpu_ms !== undefined && !without.has('cpu') && { cpu_ms }),
    ...(cpu_cores !== undefined && !without.has('cpu_rate') && { cpu_cores }),
    ...(processes !== undefined && !without.has('processes') && { processes }),
  };
}

function count(
  group: RunGroup | undefined,
  trees: ReadonlySet<ProcessTree>,
  limits: RunLimits,
  without: ReadonlySet<LimitLayer>,
  ours: number,
): Counted {
  const counted = group?.counted() ?? {};
  const seesProcesses = limits.disk_bytes !== undefined || limits.open_files !== undefined;
  const isUncounted = ['memory', 'cpu', 'processes'].some((layer) =>
    [...without].some((one) => one === layer),
  );
  if (!seesProcesses && !isUncounted) return counted;
  const pids =
    isUncounted || group === undefined || group.folders.length === 0 ? pidsOf(trees) : group.pids();
  // Who collects the dead is outside of the group, and has what they wrote.
  for (const tree of trees) pids.push(...tree.collectors.filter((pid) => !pids.includes(pid)));
  return {
    ...(isUncounted && countProcesses(pids, ours)),
    ...counted,
    ...(limits.disk_bytes !== undefined && { diskBytes: diskBytesOf(pids) }),
    ...(limits.open_files !== undefined && { openFiles: mostOpenFiles(pids) }),
  };
}
