import { realpathSync, statSync } from 'node:fs';
import { resolveBinary, type Resolution } from '../runner/resolve-binary.ts';
import type { AllowedCommand } from '../../../schemas/commands.ts';
import { hashProgram, identityOf, knownHash } from './program-hash.ts';

/** Where programs of the entries were found first, by PATH and name: what appears before it later is not run. */
const pinned = new Map<string, string>();
const mostPinned = 1_000;

interface Place {
  /** PATH of runs. */
  path: string;
  cwd: string;
  /** Whoever starts it looks for the name on PATH, wherever an entry says it lies. */
  byName?: boolean;
}

/**
 * The file a command of this entry is started from. An entry by name stays with the real file it was first
 * found at; `path` and `sha256` are held to. Costs an exact entry without them nothing beyond the search.
 */
export function admitProgram(
  entry: AllowedCommand,
  program: string,
  { path, cwd, byName }: Place,
): Resolution {
  const isPlaced = byName !== true && !program.includes('/');
  const name = isPlaced ? (entry.path ?? program) : program;
  const found = resolveBinary(name, path, cwd);
  if (
    found.kind === 'missing' ||
    ('argv' in entry && entry.path === undefined && entry.sha256 === undefined)
  ) {
    return found;
  }
  const real = realpathSync(found.file);
  return (
    otherPath(entry, real) ??
    ('binary' in entry ? otherPin(entry.binary, path, real) : undefined) ??
    otherContent(entry, real) ??
    found
  );
}

/** Takes note of where the programs of entries by name lie, before any run could put others there. */
export function pinPrograms(entries: readonly AllowedCommand[], { path, cwd }: Place): void {
  for (const entry of entries) {
    if (!('binary' in entry)) continue;
    const found = resolveBinary(entry.path ?? entry.binary, path, cwd);
    if (found.kind === 'found') otherPin(entry.binary, path, realpathSync(found.file));
  }
}

function otherPath({ path }: AllowedCommand, real: string): Resolution | undefined {
  if (path === undefined) return undefined;
  let meant: string | undefined;
  try {
    meant = realpathSync(path);
  } catch {
    return refused(`${path}, where the entry of "commands" says it lies, is not there`);
  }
  return meant === real ? undefined : refused(`it is ${real}, not ${path} as the entry of "commands" says`);
}

function otherPin(name: string, path: string, real: string): Resolution | undefined {
  const key = `${path}\0${name}`;
  const first = pinned.get(key);
  if (first === undefined) {
    if (pinned.size >= mostPinned) pinned.clear();
    pinned.set(key, real);
  }
  if (first === undefined || first === real) return undefined;
  return refused(
    `"${name}" was ${first} when this worker first looked, and is ${real} now; if that is meant, restart the fleet`,
  );
}

function otherContent({ sha256 }: AllowedCommand, real: string): Resolution | undefined {
  if (sha256 === undefined) return undefined;
  const identity = identityOf(statSync(real, { bigint: true }));
  const actual = knownHash(real, identity) ?? hashProgram(real);
  if (actual === sha256) return undefined;
  return refused(
    `${real} has the sha256 ${actual}, and the entry of "commands" wants ${sha256}; if it was updated, say the new one`,
  );
}

function refused(why: string): Resolution {
  return { kind: 'missing', errno: 'EACCES', why };
}
