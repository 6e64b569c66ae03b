import type { Config } from '../schemas/config.ts';
import {
  runLimitNames,
  type LimitLayer,
  type LimitState,
  type RunLimitName,
  type RunLimits,
} from '../schemas/limits.ts';
import type { Pipeline } from '../schemas/pipeline.ts';
import type { LimitName, RunSpec } from '../schemas/run.ts';
import { FleetError } from './errors.ts';

const layerOf: Readonly<Record<RunLimitName, LimitLayer>> = {
  memory_bytes: 'memory',
  cpu_ms: 'cpu',
  cpu_cores: 'cpu_rate',
  processes: 'processes',
  disk_bytes: 'disk',
  open_files: 'files',
};

/** Limits where any may be missing. */
type SomeLimits = { readonly [Name in RunLimitName]?: number | undefined };

/** Of every limit the strictest that anybody asks for; those nobody asks for are left out. */
export function strictestLimits(...asked: readonly (SomeLimits | undefined)[]): RunLimits {
  return Object.fromEntries(
    runLimitNames.flatMap((name) => {
      const values = asked.map((one) => one?.[name]).filter((value) => value !== undefined);
      return values.length === 0 ? [] : [[name, Math.min(...values)]];
    }),
  );
}

/** What a run is held to: its own limits, its pipeline's and the configured ones; undefined where there are none. */
export function askedLimits(
  { limits }: Pick<Config, 'limits'>,
  pipeline: Pick<Pipeline, 'limits'>,
  spec: { limits?: RunLimits | undefined },
): RunLimits | undefined {
  const asked = strictestLimits(limits, pipeline.limits, spec.limits);
  return Object.keys(asked).length === 0 ? undefined : asked;
}

/** What a run may use at most, as it is asked for. */
export type Bounds = Pick<RunSpec, 'wall_ms' | 'output_bytes' | 'limits'>;

/**
 * What our own configuration and pipeline bound a run to more strictly than a worker elsewhere has signed to do by
 * itself: to be asked of it, like what the run asks for.
 */
export function boundsElsewhere(
  config: Pick<Config, 'limits'>,
  pipeline: Pick<Pipeline, 'limits'>,
  spec: Bounds,
  signed: SomeLimits & { wall_ms: number; output_bytes: number },
): Bounds {
  const { wall_ms, output_bytes } = config.limits;
  const limits = askedLimits(config, pipeline, spec) ?? {};
  const stricter = runLimitNames.flatMap((name) => {
    const [bound, theirs = Infinity] = [limits[name], signed[name]];
    return bound !== undefined && (bound < theirs || spec.limits?.[name] !== undefined)
      ? [[name, bound]]
      : [];
  });
  return {
    ...(wall_ms < signed.wall_ms && { wall_ms: Math.min(wall_ms, spec.wall_ms ?? Infinity) }),
    ...(output_bytes < signed.output_bytes && {
      output_bytes: Math.min(output_bytes, spec.output_bytes ?? Infinity),
    }),
    ...(stricter.length > 0 && { limits: Object.fromEntries(stricter) }),
  };
}

export function layersOfLimits(asked: RunLimits): LimitLayer[] {
  return runLimitNames.filter((name) => asked[name] !== undefined).map((name) => layerOf[name]);
}

/**
 * The layers a run with these limits goes without, or with less, by leave of the configuration.
 * SANDBOX_UNAVAILABLE where one is not enforced here and not in `allowed`.
 */
export function planLimits(
  asked: RunLimits,
  states: readonly LimitState[],
  allowed: readonly LimitLayer[],
): LimitState[] {
  const without = layersOfLimits(asked).flatMap((layer): LimitState[] => {
    const state = states.find((one) => one.layer === layer);
    if (state === undefined) return [{ layer, state: 'missing', why: 'never tried' }];
    return state.state === 'enforced' ? [] : [state];
  });
  const refused = without.filter(({ layer }) => !allowed.includes(layer));
  const [first] = refused;
  if (first === undefined) return without;
  throw new FleetError(
    'SANDBOX_UNAVAILABLE',
    `Limits asked for are not enforced here (${refused.map(({ layer }) => layer).join(', ')}): ${first.layer} is ${describeState(first)}.`,
    { next: limitFix(first) },
  );
}

/** One line: what would make a limit hold here, or how to go without. */
export function limitFix({ layer, state, why = '' }: LimitState): string {
  const leave = `name "${layer}" in "limits.allow_degraded"`;
  if (layer === 'disk' && state === 'degraded') return `To hold it so all the same, ${leave}.`;
  if (/cgroup/.test(why)) {
    return `Start the fleet where it may make cgroups (\`systemd-run --user --scope -p Delegate=yes codex-fleet up\`), or ${leave}.`;
  }
  return `Mend that, which \`codex-fleet doctor\` tries again, or ${leave}.`;
}

function describeState({ state, why = 'unknown' }: LimitState): string {
  return `${state} (${why})`;
}

/** What a manifest says of limits a run goes without, or with less. */
export function limitsNote(without: readonly LimitState[]): string {
  return `Limits: ${without.map((state) => `${state.layer} ${describeState(state)}, allowed`).join('; ')}.`;
}

/** What was counted of a run's processes so far; what nobody could count is left out. */
export interface Counted {
  /** Processes the kernel ended for want of memory. */
  memoryKills?: number;
  /** Of all of them, where no kernel counts kills. */
  memoryBytes?: number;
  cpuMs?: number;
  /** Processes the kernel refused to make. */
  refusedProcesses?: number;
  processes?: number;
  diskBytes?: number;
  /** Of the process with the most. */
  openFiles?: number;
}

/** The limit that was reached; of several the one most likely to be the cause of the others. */
export function reachedLimit(limits: RunLimits, counted: Counted): LimitName | undefined {
  const { memoryKills = 0, refusedProcesses = 0 } = counted;
  const isOver = (name: RunLimitName, value: number | undefined, most = limits[name]): boolean =>
    value !== undefined && most !== undefined && value >= most;
  if (memoryKills > 0 || isOver('memory_bytes', counted.memoryBytes)) return 'memory';
  if (refusedProcesses > 0) return 'processes';
  if (isOver('processes', counted.processes, (limits.processes ?? Infinity) + 1)) return 'processes';
  if (isOver('cpu_ms', counted.cpuMs)) return 'cpu';
  if (isOver('disk_bytes', counted.diskBytes)) return 'disk';
  if (isOver('open_files', counted.openFiles)) return 'files';
  return undefined;
}

/**
 * What ends a process at its limits tells by signal, or as its shell does, by exit code 128 + n: XCPU 24, XFSZ 25.
 * Processes bound themselves as well: where CPU time was counted, the count decides.
 */
export function limitOfEnd(
  limits: RunLimits,
  end: { kind: 'exit'; code: number } | { kind: 'signal'; signal: string } | { kind: 'spawn' },
  { cpuMs }: Pick<Counted, 'cpuMs'>,
): LimitName | undefined {
  const isEnd = (signal: string, code: number): boolean =>
    (end.kind === 'signal' && end.signal === signal) || (end.kind === 'exit' && end.code === code);
  const isCpu = limits.cpu_ms !== undefined && (cpuMs ?? Infinity) >= limits.cpu_ms;
  if (isCpu && isEnd('SIGXCPU', 152)) return 'cpu';
  if (limits.disk_bytes !== undefined && isEnd('SIGXFSZ', 153)) return 'disk';
  return undefined;
}

const nameOf: Partial<Record<LimitName, RunLimitName>> = {
  memory: 'memory_bytes',
  cpu: 'cpu_ms',
  processes: 'processes',
  disk: 'disk_bytes',
  files: 'open_files',
};

/** What a run that was ended by a limit says of it. */
export function reachedWords(which: LimitName, limits: RunLimits = {}): string {
  const name = nameOf[which];
  const value = name === undefined ? undefined : limits[name];
  return value === undefined
    ? `It has reached a limit: ${which}.`
    : `It has reached its limit: ${name ?? which} ${String(value)}.`;
}
