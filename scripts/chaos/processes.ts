import { readdirSync, readFileSync } from 'node:fs';
import { recordedProcesses } from '../../cli/fleet/process-record.ts';
import type { Site } from './site.ts';

/** When which worker died, seen from outside by its recorded process. */
export interface Deaths {
  look(): void;
  /** Whether the worker died in this time (ms since the epoch), give or take a look. */
  within(worker: string, fromMs: number, toMs: number): boolean;
  count(name: string): number;
}

const slackMs = 400;

export function watchDeaths({ paths }: Site): Deaths {
  const alive = new Map<string, string>();
  const deaths: { name: string; at: number }[] = [];
  return {
    look() {
      for (const { name, pid, start, running } of recordedProcesses(paths)) {
        const identity = `${String(pid)}-${start}`;
        const known = alive.get(name);
        if (known !== undefined && (known !== identity || !running)) deaths.push({ name, at: Date.now() });
        if (running) alive.set(name, identity);
        else alive.delete(name);
      }
    },
    within: (worker, fromMs, toMs) =>
      deaths.some(({ name, at }) => name === worker && at >= fromMs - slackMs && at <= toMs + slackMs),
    count: (wanted) => deaths.filter(({ name }) => name.startsWith(wanted)).length,
  };
}

/** `coordinator`, or a worker's id; undefined where it is not running just now. */
export function pidOf({ paths }: Site, name: string): number | undefined {
  return recordedProcesses(paths).find((one) => one.name === name && one.running)?.pid;
}

export function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** The commands that run: pid and the id of the run. */
export function runningCommands({ script }: Site): { pid: number; id: string }[] {
  return allProcesses().flatMap(({ pid, words }) => {
    const at = words.indexOf(script);
    return words[0] === '/bin/sh' && at === 1 ? [{ pid, id: words[2] ?? '' }] : [];
  });
}

/** Every process with something of this site in its arguments. */
export function processesOf({ root }: Site): { pid: number; words: string[] }[] {
  return allProcesses().filter(({ words }) => words.some((word) => word.includes(root)));
}

function allProcesses(): { pid: number; words: string[] }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .map((name) => ({ pid: Number(name), words: commandLine(name).split('\0') }))
    .filter(({ words }) => words.length > 1);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
