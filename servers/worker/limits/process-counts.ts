import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Counted } from '../../../core/limits.ts';

/** Of Linux on every machine Node runs on: sysconf(_SC_CLK_TCK), sysconf(_SC_PAGESIZE) but for some arm64. */
const ticksPerSecond = 100;
const pageBytes = 4_096;

/** Bytes written that were to reach a disk, with those of the dead it has collected, proc_pid_io(5). */
export function diskBytesOf(pids: readonly number[]): number {
  return sum(pids, (pid) => Number(/^write_bytes: (\d+)$/m.exec(read(pid, 'io'))?.[1] ?? 0));
}

/** Of the process with the most files open. The folder's size says how many, from Linux 6.2 on. */
export function mostOpenFiles(pids: readonly number[]): number {
  return Math.max(0, ...pids.map(openFilesOf));
}

function openFilesOf(pid: number): number {
  const folder = `/proc/${String(pid)}/fd`;
  try {
    return statSync(folder).size || readdirSync(folder).length;
  } catch {
    return 0;
  }
}

/** CPU time, with that of the dead each has collected, proc_pid_stat(5). */
export function cpuMsOf(pids: readonly number[]): number {
  const ticks = sum(pids, (pid) => {
    const stat = read(pid, 'stat');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return stat === '' ? 0 : fields.slice(11, 15).reduce((all, field) => all + Number(field), 0);
  });
  return (ticks * 1_000) / ticksPerSecond;
}

/** Memory of their own, and once what they share, proc_pid_statm(5). What lies in a tmpfs is not seen. */
export function memoryBytesOf(pids: readonly number[]): number {
  const pages = pids.map((pid) => {
    const [, resident = 0, shared = 0] = read(pid, 'statm').split(' ').map(Number);
    return { own: resident - shared, shared };
  });
  const own = pages.reduce((all, one) => all + one.own, 0);
  return (own + Math.max(0, ...pages.map(({ shared }) => shared))) * pageBytes;
}

/** What can be seen of processes nobody counts; `ours` of them are not the run's. */
export function countProcesses(pids: readonly number[], ours: number): Counted {
  return { cpuMs: cpuMsOf(pids), memoryBytes: memoryBytesOf(pids), processes: pids.length - ours };
}

function sum(pids: readonly number[], of: (pid: number) => number): number {
  return pids.reduce((all, pid) => all + of(pid), 0);
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
