import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { FleetPaths } from '../../platform/paths.ts';

/** A coordinator that is not up after this long is not coming. */
const staleAfterMs = 3_000;

/**
 * Whether it falls to this process to start the coordinator. Only a hint that keeps twenty clients
 * from starting twenty: which coordinator stays is decided by the lock it takes.
 */
export function takeStartHint(paths: FleetPaths): boolean {
  const file = hintFile(paths);
  if (create(file)) return true;
  try {
    if (Date.now() - statSync(file).mtimeMs < staleAfterMs) return false;
  } catch {
    return create(file);
  }
  rmSync(file, { force: true });
  return create(file);
}

/** Called by the coordinator once it answers, and by a starter that failed. */
export function dropStartHint(paths: FleetPaths): void {
  rmSync(hintFile(paths), { force: true });
}

function hintFile(paths: FleetPaths): string {
  return join(paths.stateDir, 'starting');
}

function create(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx', 0o600));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
