import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
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

/** The engines that run: pid, and a command's own id or the id a worker has for a run of Codex. */
export function runningEngines({ script, paths }: Site): { pid: number; id: string }[] {
  return allProcesses().flatMap(({ pid, words }) => {
    const [program = '', first, second = ''] = words;
    if (program === '/bin/sh' && first === script) return [{ pid, id: second }];
    if (!program.endsWith('/codex') || !words.includes('app-server')) return [];
    const id = codexHome(pid, paths.stateDir)?.match(/run_[\w-]{21}/)?.[0];
    return id === undefined ? [] : [{ pid, id }];
  });
}

/** Where it is one of this fleet's. */
function codexHome(pid: number, stateDir: string): string | undefined {
  return environmentOf(pid).find((variable) => variable.startsWith(`CODEX_HOME=${stateDir}`));
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${String(pid)}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Every process with something of this site in its arguments or its environment. */
export function processesOf({ root }: Pick<Site, 'root'>): { pid: number; words: string[] }[] {
  return allProcesses().filter(
    ({ pid, words }) =>
      words.some((word) => word.includes(root)) ||
      environmentOf(pid).some((variable) => variable.includes(root)),
  );
}

/** Until none is left: one that is killed may have just begun another. */
export async function killAll(site: Site): Promise<void> {
  for (let left = processesOf(site); left.length > 0; left = processesOf(site)) {
    for (const { pid } of left) killHard(pid);
    await delay(50);
  }
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
