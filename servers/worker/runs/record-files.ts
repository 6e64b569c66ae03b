import { mkdirSync, readdirSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '../../../core/errors.ts';
import { makePrivateDir } from '../../../platform/paths.ts';
import type { RunRecord } from './record.ts';
import { sealedDir, sealedOfRun } from '../privacy/sealed-files.ts';
import { openRecordJournal, recordsFile } from './record-journal.ts';
import { removeTree, TempFolders } from './temp-folders.ts';

/**
 * What a worker keeps of its runs: `runs/records.jsonl`, the journal of their records; `tmp/`, with
 * an attempt's own TMPDIR in it; and for those that need it `runs/<run_id>/home`, what its engine keeps until
 * the run has ended, and `runs/<run_id>/workspace`, its private copy of the work tree. What is small is
 * done synchronously, a tenth of the processor time of the same by threads.
 */
export interface RecordFiles {
  /** Of a run that is prepared. */
  tmpDir: (runId: string) => string;
  homeDir: (runId: string) => string;
  /** Where the run's private copy of the work tree is, or is made. */
  workspaceDir: (runId: string) => string;
  /** Makes the TMPDIR, and the home where asked for. STORE_UNAVAILABLE where the disk refuses. */
  prepare: (runId: string, options: { home: boolean }) => void;
  /** STORE_UNAVAILABLE where the disk refuses; the record before it is still there then. */
  write: (record: RunRecord) => void;
  read: (runId: string) => RunRecord | undefined;
  /** Every record that can be read, in the order their runs were accepted. */
  readAll: () => RunRecord[];
  removeTmp: (runId: string) => Promise<void>;
  /** The TMPDIR, and the home where there is one, in the background. */
  removePrivate: (runId: string, options: { home: boolean }) => void;
  /** In the background. */
  removeWorkspace: (runId: string) => void;
  /** Homes of no run that could go on: their process died before it could remove them. */
  removeOtherHomes: (runIds: ReadonlySet<string>) => void;
  /** Resolves when nothing is left to be removed. */
  removed: () => Promise<void>;
  /** All of a run: it was never accepted. */
  remove: (runId: string) => void;
}

/** Of a worker's own folder; `homes` is where homes are, if not there. Throws where it cannot be written. */
export function openRecordFiles(dir: string, homes?: string): RecordFiles {
  const folder = (runId: string): string => join(dir, 'runs', runId);
  const homeDir = (runId: string): string =>
    homes === undefined ? join(folder(runId), 'home') : join(homes, runId);
  const removeHome = (runId: string): Promise<void> =>
    homes === undefined ? removeWithin(folder(runId), 'home') : removeTree(homeDir(runId));
  makePrivateDir(join(dir, 'runs'));
  const records = openRecordJournal(recordsFile(dir));
  const removals = new Set<Promise<void>>();
  const inBackground = (removal: Promise<void>): void => {
    removals.add(removal);
    void removal.then(() => removals.delete(removal));
  };
  const temps = new TempFolders(join(dir, 'tmp'), inBackground);
  return {
    tmpDir: (runId) => temps.of(runId),
    homeDir,
    workspaceDir: (runId) => workspaceDir(dir, runId),
    prepare: (runId, { home }) => {
      orUnavailable(() => {
        if (home) mkdirSync(homeDir(runId), { recursive: true, mode: 0o700 });
        temps.take(runId);
      });
    },
    write: (record) => {
      if (!records.write(record)) throw unavailable(undefined);
    },
    read: records.read,
    readAll: records.readAll,
    removeTmp: (runId) => temps.giveBack(runId),
    removePrivate: (runId, { home }) => {
      inBackground(temps.giveBack(runId));
      if (home) inBackground(removeHome(runId));
    },
    removeWorkspace: (runId) => {
      inBackground(removeWithin(folder(runId), 'workspace'));
    },
    removeOtherHomes: (runIds) => {
      if (homes === undefined) return;
      for (const runId of readdirSync(homes)) if (!runIds.has(runId)) inBackground(removeHome(runId));
    },
    removed: async () => {
      await Promise.all(removals);
    },
    remove: (runId) => {
      records.forget(runId);
      inBackground(removeTree(folder(runId)));
      inBackground(removeHome(runId));
      inBackground(removeTree(sealedOfRun(sealedDir(dir), runId)));
      inBackground(temps.giveBack(runId));
    },
  };
}
/** Where a run's private copy of the work tree is, or is made. */
export function workspaceDir(workerDir: string, runId: string): string {
  return join(workerDir, 'runs', runId, 'workspace');
}

/** And the folder, once it is empty. */
async function removeWithin(folder: string, name: string): Promise<void> {
  await removeTree(join(folder, name));
  await rmdir(folder).catch(() => undefined);
}

function orUnavailable(work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw unavailable(cause);
  }
}

function unavailable(cause: unknown): FleetError {
  return new FleetError('STORE_UNAVAILABLE', "The worker's state folder cannot be written.", { cause });
}
