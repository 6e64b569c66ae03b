import { readFileSync } from 'node:fs';
import type { ProcessIdentity } from '../../../platform/process-identity.ts';
import { openArguments } from './namespace.ts';
import { isLive, readAllProcesses } from './process-table.ts';

/**
 * Namespaces nobody will ever finish opening: where a worker is killed in the instant in which bwrap
 * has forked and not yet asked to die with its parent, the fork waits for ever for a word of the dead.
 * It is known by our own arguments and by a parent that only collects orphans.
 */
export function halfOpenNamespaces(): ProcessIdentity[] {
  return readAllProcesses()
    .filter((row) => isLive(row) && isOurs(row.pid) && collectsOrphans(row.parent))
    .map(({ pid, start }) => ({ pid, start }));
}

function isOurs(pid: number): boolean {
  const words = read(`/proc/${String(pid)}/cmdline`)
    .split('\0')
    .slice(1, -1)
    .slice(-openArguments.length);
  return words.length === openArguments.length && words.every((word, at) => word === openArguments[at]);
}

function collectsOrphans(pid: number): boolean {
  return pid === 1 || read(`/proc/${String(pid)}/comm`).trim() === 'systemd';
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
