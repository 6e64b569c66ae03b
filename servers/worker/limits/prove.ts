import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Counted } from '../../../core/limits.ts';
import type { LimitLayer, LimitState, RunLimits } from '../../../schemas/limits.ts';
import { closeOf } from '../runner/child.ts';
import type { ReapingLayer } from '../runner/layer.ts';
import type { ControllerName, Controllers } from './controllers.ts';
import type { RunGroups } from './groups.ts';
import { launcher } from './launcher.ts';
import { throttledPeriods, type RunGroup } from './run-group.ts';

interface Ground {
  layer: ReapingLayer;
  dir: string;
  groups: RunGroups;
  controllers: Controllers;
}

/** A host that needs longer for any of it holds nobody to anything. */
const limitMs = 20_000;
const mebibyte = 1024 * 1024;

/** What came of a process that goes over its limit. */
interface Tried {
  code: number | null;
  signal: string | null;
  said: string;
  counted: Counted;
  throttled: number;
}

/** A limit, a script that goes a little beyond it and then ends by itself, and what must come of that. */
interface Trial {
  layer: LimitLayer;
  controller?: ControllerName;
  limits: RunLimits;
  /** Fixed text; nothing is put into it. */
  script: string;
  holds: (tried: Tried) => boolean;
}

const trials: readonly Trial[] = [
  {
    layer: 'memory',
    controller: 'memory',
    limits: { memory_bytes: 8 * mebibyte },
    script: 'x=$(head -c 33554432 /dev/zero | tr "\\0" x); echo "${#x}"',
    holds: ({ counted, said }) => (counted.memoryKills ?? 0) > 0 && !said.includes('33554432'),
  },
  {
    layer: 'cpu',
    controller: 'cpuacct',
    limits: { cpu_ms: 60_000 },
    script: 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; echo done',
    holds: ({ counted, said }) => (counted.cpuMs ?? 0) >= 2 && said.includes('done'),
  },
  {
    layer: 'cpu_rate',
    controller: 'cpu',
    limits: { cpu_cores: 0.05 },
    script: 'i=0; while [ $i -lt 10000 ]; do i=$((i + 1)); done; echo done',
    holds: ({ throttled }) => throttled > 0,
  },
  {
    layer: 'processes',
    controller: 'pids',
    limits: { processes: 4 },
    script: '(for n in 1 2 3 4 5 6 7 8; do sleep 1 & done); echo done',
    holds: ({ counted }) => (counted.refusedProcesses ?? 0) > 0,
  },
  {
    layer: 'disk',
    limits: { disk_bytes: 4_096 },
    script: 'head -c 65536 /dev/zero > large; echo $?',
    holds: ({ said }) => /^(153|1)$/m.test(said),
  },
  {
    layer: 'files',
    limits: { open_files: 16 },
    script: 'f() { [ "$1" -eq 0 ] || f $(($1 - 1)) < /dev/null; }; f 32 && echo none',
    holds: ({ said, code }) => !said.includes('none') && code !== 0,
  },
];

/** Runs for each limit something that goes beyond it. */
export async function proveLimits(ground: Ground): Promise<LimitState[]> {
  const folder = join(ground.dir, `limits-${randomBytes(6).toString('hex')}`);
  await mkdir(folder, { mode: 0o700 });
  try {
    return await Promise.all(trials.map((trial) => stateOf(trial, ground, folder)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const noController: Record<ControllerName, string> = {
  memory: 'memory',
  pids: 'pids',
  cpu: 'cpu',
  cpuacct: 'CPU accounting',
};

const sumOfFiles = 'each file is held by the kernel, their sum is added up from /proc';

async function stateOf(trial: Trial, ground: Ground, folder: string): Promise<LimitState> {
  const { layer, controller } = trial;
  const fault = await faultOf(trial, ground, folder);
  if (fault === undefined && layer !== 'disk') return { layer, state: 'enforced' };
  const isSeen = layer !== 'cpu_rate' && existsSync('/proc/self/stat');
  // No process sees what one that ignores the end of its children lets go uncounted.
  if (fault === undefined && isSeen) return { layer, state: 'degraded', why: sumOfFiles };
  if (controller === undefined || !isSeen)
    return { layer, state: 'missing', why: fault ?? 'there is no /proc' };
  return { layer, state: 'degraded', why: `only looked at in /proc; ${fault}` };
}

/** Why a limit does not hold; undefined where it does. */
async function faultOf(trial: Trial, ground: Ground, folder: string): Promise<string | undefined> {
  const { controller } = trial;
  if (controller !== undefined && !ground.controllers.has(controller)) {
    return `no cgroup with ${noController[controller]} can be made`;
  }
  try {
    const tried = await runTrial(trial, ground, folder);
    if (trial.holds(tried)) return undefined;
    return controller === undefined
      ? 'a process went beyond it'
      : 'a process went beyond the limit of its cgroup';
  } catch (error) {
    const [said] = (error instanceof Error ? error.message : String(error)).split(', ');
    return controller === undefined ? said : `no cgroup can be made: ${said ?? ''}`;
  }
}

async function runTrial(
  { limits, script }: Trial,
  { layer, groups }: Ground,
  folder: string,
): Promise<Tried> {
  const group = groups.make(limits, layer.reaping === 'pid_namespace' ? 1 : 0);
  try {
    return await runIn(group, limits, script, layer, folder);
  } finally {
    await group.close();
  }
}

async function runIn(
  group: RunGroup,
  limits: RunLimits,
  script: string,
  layer: ReapingLayer,
  folder: string,
): Promise<Tried> {
  const env = { PATH: '/usr/bin:/bin' };
  const held = {
    through: launcher(limits, group.folders, env),
    began: () => undefined,
    ended: () => undefined,
  };
  const argv = ['/bin/sh', '-c', script] as const;
  const { child, tree } = await layer.launch({
    argv,
    cwd: folder,
    env,
    stdin: 'ignore',
    tmpDir: folder,
    held,
  });
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
  child.stderr?.resume();
  const given = new AbortController();
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  const closed = closeOf(child);
  const late = delay(limitMs, undefined, { signal: given.signal }).catch(() => undefined);
  try {
    await Promise.race([exited, closed, late]);
    const counted = group.counted();
    const [first] = group.folders;
    const throttled = limits.cpu_cores === undefined || first === undefined ? 0 : throttledPeriods(first);
    await tree.kill();
    await Promise.race([closed, late]);
    return { code: child.exitCode, signal: child.signalCode, said, counted, throttled };
  } finally {
    given.abort();
    await tree.kill();
  }
}
