import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { failpoint } from '../../../platform/failpoint.ts';
import { identify, type ProcessIdentity } from '../../../platform/process-identity.ts';

/**
 * What must be ended if this process dies without doing it: written before it can be needed, read by
 * the next boot. Each file is named by the pid and start time of the process that writes it; one JSON object a line.
 */
export interface Ledger {
  started(process: ProcessIdentity): void;
  /** The process is dead, and with it everything noted for it. */
  ended(process: ProcessIdentity): void;
  cgroup(folder: string): void;
  close(): void;
}

export interface Leftovers {
  /** Whose they were. */
  owner: ProcessIdentity;
  /** The kernel's boot they were noted in: pids of another one mean nothing. */
  bootId: string;
  processes: ProcessIdentity[];
  cgroups: string[];
  forget(): void;
}

const identity = z.strictObject({ pid: z.int().min(2), start: z.string() });
const line = z.union([
  z.strictObject({ boot: z.string() }),
  z.strictObject({ started: identity }),
  z.strictObject({ ended: identity }),
  z.strictObject({ cgroup: z.string() }),
]);
type Line = z.infer<typeof line>;

const folderName = 'processes';

export function openLedger(stateDir: string): Ledger {
  const self = identify(process.pid) ?? { pid: process.pid, start: '' };
  const folder = join(stateDir, folderName);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${nameOf(self)}-${randomBytes(4).toString('hex')}`);
  const fd = openSync(file, 'ax', 0o600);
  const live = new Set<string>();
  const note = (entry: Line): void => {
    writeSync(fd, `${JSON.stringify(entry)}\n`);
  };
  note({ boot: kernelBootId() });
  return {
    started(process) {
      live.add(nameOf(process));
      failpoint('ledger.started.before');
      note({ started: process });
      failpoint('ledger.started.after');
    },
    ended(process) {
      if (!live.delete(nameOf(process))) return;
      failpoint('ledger.ended.before');
      note({ ended: process });
      failpoint('ledger.ended.after');
    },
    cgroup(path) {
      note({ cgroup: path });
    },
    close() {
      closeSync(fd);
      rmSync(file, { force: true });
    },
  };
}

/** What processes that are gone left noted in `stateDir`. */
export function readLeftovers(stateDir: string): Leftovers[] {
  const folder = join(stateDir, folderName);
  return listFiles(folder).flatMap((name) => {
    const match = /^(\d+)-(\d*)-[0-9a-f]{8}$/.exec(name);
    if (match === null) return [];
    const owner = { pid: Number(match[1]), start: match[2] ?? '' };
    return [parse(owner, join(folder, name))];
  });
}

function parse(owner: ProcessIdentity, file: string): Leftovers {
  const processes = new Map<string, ProcessIdentity>();
  const leftovers: Leftovers = {
    owner,
    bootId: '',
    processes: [],
    cgroups: [],
    forget() {
      rmSync(file, { force: true });
    },
  };
  for (const entry of readFileSync(file, 'utf8').split('\n').flatMap(readLine)) {
    if ('boot' in entry) leftovers.bootId = entry.boot;
    else if ('started' in entry) processes.set(nameOf(entry.started), entry.started);
    else if ('ended' in entry) processes.delete(nameOf(entry.ended));
    else leftovers.cgroups.push(entry.cgroup);
  }
  leftovers.processes = [...processes.values()];
  return leftovers;
}

/** A line cut short by a crash is no line. */
function readLine(json: string): Line[] {
  try {
    const parsed = line.safeParse(JSON.parse(json));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}

export function kernelBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function nameOf(identified: ProcessIdentity): string {
  return `${String(identified.pid)}-${identified.start}`;
}
