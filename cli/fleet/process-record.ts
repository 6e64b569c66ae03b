import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { identify, stillRuns, type ProcessIdentity } from '../../platform/process-identity.ts';
import type { FleetPaths } from '../../platform/paths.ts';

const recordSchema = z.object({ pid: z.int().positive(), start: z.string() });

/** A long-lived process of ours, by pid and start time: a pid alone may be somebody else's by now. */
export interface RecordedProcess extends ProcessIdentity {
  /** `coordinator`, or a worker's id. */
  name: string;
  running: boolean;
}

function recordFile(paths: FleetPaths, workerId: string | undefined): string {
  return join(workerId === undefined ? paths.stateDir : paths.workerDir(workerId), 'process.json');
}

/**
 * Records this process as the coordinator, or as worker `workerId`, with what else others should know of
 * it; the answer takes it back.
 */
export function recordThisProcess(paths: FleetPaths, workerId?: string, more: object = {}): () => void {
  const file = recordFile(paths, workerId);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const record = JSON.stringify({ ...identify(process.pid), ...more });
  writeFileSync(file, record, { mode: 0o600 });
  return () => {
    if (readIfThere(file) === record) rmSync(file, { force: true });
  };
}

/** Everything recorded and not taken back, the coordinator first. */
export function recordedProcesses(paths: FleetPaths): RecordedProcess[] {
  const workers = workerIds(paths).map((id) => readRecord(id, recordFile(paths, id)));
  return [readRecord('coordinator', recordFile(paths, undefined)), ...workers].filter(
    (record) => record !== undefined,
  );
}

export function workerIds(paths: FleetPaths): string[] {
  try {
    return readdirSync(join(paths.stateDir, 'workers')).toSorted();
  } catch {
    return [];
  }
}

function readRecord(name: string, file: string): RecordedProcess | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    const identity = recordSchema.parse(JSON.parse(text));
    return { name, ...identity, running: stillRuns(identity) };
  } catch {
    return undefined;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
