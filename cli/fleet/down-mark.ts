import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FleetPaths } from '../../platform/paths.ts';

/**
 * What becomes of runs when the fleet is taken down: kept (running ones are interrupted so that they
 * can go on), cancelled, or waited for.
 */
export type DownHow = 'keep' | 'cancel' | 'drain';

function downMark(paths: FleetPaths): string {
  return join(paths.stateDir, 'down');
}

/**
 * Says that somebody wants the fleet down, and how: a bridge then starts it only for a new call. An
 * empty file says `keep`: one can be made where the disk is full.
 */
export function markDown(paths: FleetPaths, how: DownHow): void {
  writeFileSync(downMark(paths), how === 'keep' ? '' : how, { mode: 0o600 });
}

export function unmarkDown(paths: FleetPaths): void {
  rmSync(downMark(paths), { force: true });
}

export function isMarkedDown(paths: FleetPaths): boolean {
  return existsSync(downMark(paths));
}

/** How a coordinator that is told to end is to do it; `keep` where nobody said. */
export function wantedDown(paths: FleetPaths): DownHow {
  try {
    const how = readFileSync(downMark(paths), 'utf8');
    return how === 'cancel' || how === 'drain' ? how : 'keep';
  } catch {
    return 'keep';
  }
}
