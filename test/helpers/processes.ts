import { readdirSync, readFileSync } from 'node:fs';

/** Different in every test, and a number of seconds for sleep(1). */
export function newMarker(): string {
  return `3600.${String(process.pid)}${String(Math.floor(Math.random() * 1e9))}`;
}

/** Processes of the whole machine that have `marker` in their arguments. */
export function processesWith(marker: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes(marker))
    .map(Number);
}

/** Processor time so far, in clock ticks, of all processes with `marker` (proc(5), utime and stime). */
export function ticksOf(marker: string): number {
  return processesWith(marker)
    .map((pid) => {
      const stat = read(`/proc/${String(pid)}/stat`);
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    })
    .reduce((sum, ticks) => sum + ticks, 0);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Awaits what no event tells of: looks until it holds. */
export async function eventually(holds: () => boolean, limitMs = 5_000): Promise<void> {
  const started = performance.now();
  while (!holds()) {
    if (performance.now() - started > limitMs) throw new Error(`Not so within ${String(limitMs)} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
