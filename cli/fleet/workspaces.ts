import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FleetPaths } from '../../platform/paths.ts';
import { runId as runIdSchema } from '../../schemas/ids.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import { workspaceDir } from '../../servers/worker/runs/record-files.ts';
import { readRecords } from '../../servers/worker/runs/record-journal.ts';
import type { RunRecord } from '../../servers/worker/runs/record.ts';
import { recordedProcesses, workerIds } from './process-record.ts';

/** A private copy of a work tree that is still on disk. */
export interface LeftWorkspace {
  /** By which the fleet knows the run. */
  run_id: string;
  worker_id: string;
  path: string;
  bytes: number;
  /** Since the run ended; undefined for one that has not, or that nothing is known of. */
  age_ms: number | undefined;
  /** Whether all the run changed is in its diff. */
  fetched: boolean;
  /** Its run goes on, or can. */
  live: boolean;
}

/** All that local workers have left, the oldest first. Reads their files: they need not run. */
export async function leftWorkspaces(paths: FleetPaths, now: number): Promise<LeftWorkspace[]> {
  const running = new Set(recordedProcesses(paths).flatMap(({ name, running }) => (running ? [name] : [])));
  const found: LeftWorkspace[] = [];
  for (const worker of workerIds(paths)) {
    const dir = paths.workerDir(worker);
    const records = readRecords(dir);
    for (const id of namesIn(join(dir, 'runs'))) {
      const path = workspaceDir(dir, id);
      if (!runIdSchema.safeParse(id).success || !isFolder(path)) continue;
      const record = records.get(id);
      found.push({
        run_id: fleetRunId(record) ?? id,
        worker_id: worker,
        path,
        bytes: diskBytes(path),
        age_ms: record?.detail.ended_at === undefined ? undefined : Math.max(0, now - record.detail.ended_at),
        // A run that has ended keeps its copy on record only where its diff is not whole.
        fetched: record !== undefined && record.workspace === undefined,
        live: record === undefined ? running.has(worker) : !isTerminal(record.detail.status),
      });
    }
  }
  return found.toSorted((a, b) => (b.age_ms ?? 0) - (a.age_ms ?? 0));
}

/** A worker runs it under a key made of it, see attemptKey(). */
function fleetRunId(record: RunRecord | undefined): string | undefined {
  const [id = '', attempt] = record?.spec.request_key?.split('.') ?? [];
  return attempt !== undefined && runIdSchema.safeParse(id).success ? id : undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** As the disk counts; nothing is followed out of the folder, and what goes away meanwhile counts nothing. */
function diskBytes(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  const own = stat.blocks * 512;
  if (!stat.isDirectory()) return own;
  return namesIn(path).reduce((sum, name) => sum + diskBytes(join(path, name)), own);
}
