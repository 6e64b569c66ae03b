import { readFileSync } from 'node:fs';
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import type { HostPressure } from '../../schemas/worker.ts';

/** Where a host tells of itself. */
export interface HostSources {
  proc: string;
  /** Load average of the last minute; 0 where the system keeps none. */
  load: () => number;
  cores: number;
}

const thisHost: HostSources = {
  proc: '/proc',
  load: () => loadavg()[0] ?? 0,
  cores: availableParallelism(),
};

/**
 * How hard-pressed this host is: three small files of the kernel, each of which may be missing. Read at once,
 * as no disk stands behind them: the threads of a pool would cost an idle worker more.
 */
export function readHost(sources: Partial<HostSources> = {}): HostPressure {
  const { proc, load, cores } = { ...thisHost, ...sources };
  const memory = memoryFree(readOr(join(proc, 'meminfo')));
  const told = ['memory', 'io']
    .map((name) => stalledShare(readOr(join(proc, 'pressure', name))))
    .filter((share) => share !== undefined);
  return {
    load: rounded(load() / cores),
    memory_free: rounded(Math.min(1, memory ?? freemem() / totalmem())),
    ...(told.length > 0 && { stalled: rounded(Math.min(1, Math.max(...told))) }),
  };
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** MemAvailable counts what the caches would give back; where the kernel does not say, undefined. */
function memoryFree(meminfo: string): number | undefined {
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1]);
  const share = kilobytes('MemAvailable') / kilobytes('MemTotal');
  return Number.isFinite(share) ? share : undefined;
}

/** Of the last ten seconds, in which some task waited. */
function stalledShare(pressure: string): number | undefined {
  const percent = /^some avg10=(\d+(?:\.\d+)?) /m.exec(pressure)?.[1];
  return percent === undefined ? undefined : Number(percent) / 100;
}

function rounded(share: number): number {
  return Math.round(share * 1_000) / 1_000;
}
