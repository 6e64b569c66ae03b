import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** One process as `/proc/<pid>/stat` shows it, proc(5). */
export interface ProcessRow {
  pid: number;
  parent: number;
  group: number;
  /** One letter: R running, S sleeping, T stopped, Z zombie, … */
  state: string;
  /** Clock ticks since boot: with the pid, the identity of a process. */
  start: string;
}

/** undefined where no such process exists, or there is no /proc. */
export function readProcess(pid: number): ProcessRow | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name in parentheses may hold anything, parentheses and spaces included.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    state: fields[0] ?? '?',
    parent: Number(fields[1]),
    group: Number(fields[2]),
    start: fields[19] ?? '',
  };
}

/** Every process of the machine: about 30 µs each, so never on the path of a run that just ends. */
export function readAllProcesses(): ProcessRow[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((row) => row !== undefined);
}

/** The live processes whose parents lead up to one of `roots`, the roots themselves left out. */
export function descendantsOf(
  roots: ReadonlySet<number>,
  rows: readonly ProcessRow[] = readAllProcesses(),
): ProcessRow[] {
  const children = groupByParent(rows);
  const found: ProcessRow[] = [];
  const open = [...roots];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    for (const child of children.get(pid) ?? []) {
      if (roots.has(child.pid)) continue;
      found.push(child);
      open.push(child.pid);
    }
  }
  return found.filter(isLive);
}

function groupByParent(rows: readonly ProcessRow[]): Map<number, ProcessRow[]> {
  const children = new Map<number, ProcessRow[]>();
  for (const row of rows) {
    const siblings = children.get(row.parent);
    if (siblings === undefined) children.set(row.parent, [row]);
    else siblings.push(row);
  }
  return children;
}

/** A zombie is dead: only its parent has not asked yet. */
export function isLive(row: ProcessRow): boolean {
  return row.state !== 'Z' && row.state !== 'X';
}

function isHalted(row: ProcessRow): boolean {
  return row.state === 'T' || row.state === 't' || !isLive(row);
}

/** Sends a signal (to a group where `pid` is negative); false where nobody was there to take it. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** A process may fork between being seen and being stopped: more passes see the child. */
const stopPasses = 20;

/** STOP to all, until one look finds nobody running. */
export function stopAll(members: () => ProcessRow[]): void {
  for (let pass = 0; pass < stopPasses; pass += 1) {
    const running = members().filter((row) => !isHalted(row));
    if (running.length === 0) return;
    for (const row of running) send(row.pid, 'SIGSTOP');
  }
}

/** Polls until `isDone` holds: true, or false once `limitMs` have passed. The first look is at once. */
export async function waitUntil(isDone: () => boolean, limitMs: number): Promise<boolean> {
  const started = performance.now();
  for (let pauseMs = 1; !isDone(); pauseMs = Math.min(pauseMs * 2, 50)) {
    if (performance.now() - started > limitMs) return false;
    await delay(pauseMs);
  }
  return true;
}
