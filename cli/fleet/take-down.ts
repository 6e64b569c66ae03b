import { makePrivateDir, type FleetPaths } from '../../platform/paths.ts';
import { markDown, type DownHow } from './down-mark.ts';
import { endProcesses } from './end-processes.ts';
import { recordedProcesses, type RecordedProcess } from './process-record.ts';

/** A coordinator that keeps or cancels is done sooner; after this it is ended by force. */
const coordinatorGraceMs = 3_500;
const workerGraceMs = 1_000;

export interface TakenDown {
  ended: RecordedProcess[];
  /** Those that had to be killed. */
  forced: RecordedProcess[];
}

/**
 * Ends the coordinator and all local workers of a state folder; within 5 s unless it drains. Only
 * processes recorded as ours are touched.
 */
export async function takeDown(paths: FleetPaths, how: DownHow): Promise<TakenDown> {
  makePrivateDir(paths.stateDir);
  markDown(paths, how);
  const found = running(paths);
  const coordinator = found.filter(({ name }) => name === 'coordinator');
  // The coordinator ends its own workers; the rest are those it did not get to, or left behind earlier.
  const forced = await endProcesses(coordinator, how === 'drain' ? Infinity : coordinatorGraceMs);
  const workers = running(paths);
  forced.push(...(await endProcesses(workers, workerGraceMs)));
  const late = workers.filter(({ pid }) => !found.some((known) => known.pid === pid));
  return { ended: [...found, ...late], forced };
}

function running(paths: FleetPaths): RecordedProcess[] {
  return recordedProcesses(paths).filter((record) => record.running);
}
