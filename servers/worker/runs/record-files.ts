import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '../../../core/errors.ts';
import { parseJson } from '../../../core/parse-json.ts';
import { runRecord, type RunRecord } from './record.ts';

/**
 * The folder of each run: `record.json`, replaced by rename so that it is never half written; `tmp/`,
 * the attempt's own TMPDIR; `home/`, what its engine keeps until the run has ended; `workspace/`, its
 * private copy of the work tree. What is small is
 * done synchronously, a tenth of the processor time of the same by threads; nothing waits for the
 * platter: a record must outlive this process, not a power cut.
 */
export interface RecordFiles {
  tmpDir: (runId: string) => string;
  homeDir: (runId: string) => string;
  /** Where the run's private copy of the work tree is, or is made. */
  workspaceDir: (runId: string) => string;
  /** Makes `tmp/`, and `home/` where asked for. STORE_UNAVAILABLE where the disk refuses. */
  prepare: (runId: string, options: { home: boolean }) => void;
  /** STORE_UNAVAILABLE where the disk refuses; the record before it is still there then. */
  write: (record: RunRecord) => void;
  read: (runId: string) => Promise<RunRecord | undefined>;
  readAll: () => Promise<RunRecord[]>;
  removeTmp: (runId: string) => Promise<void>;
  /** `tmp/`, and `home/` where there is one, in the background. */
  removePrivate: (runId: string, options: { home: boolean }) => void;
  /** In the background. */
  removeWorkspace: (runId: string) => void;
  /** Resolves when nothing is left to be removed. */
  removed: () => Promise<void>;
  /** All of a run: it was never accepted. */
  remove: (runId: string) => void;
}

/** Records read at a time while a worker boots. */
const readersAtBoot = 32;

export function openRecordFiles(dir: string): RecordFiles {
  const folder = (runId: string): string => join(dir, runId);
  const tmpDir = (runId: string): string => join(folder(runId), 'tmp');
  const homeDir = (runId: string): string => join(folder(runId), 'home');
  const workspaceDir = (runId: string): string => join(folder(runId), 'workspace');
  const file = (runId: string): string => join(folder(runId), 'record.json');

  const read = async (runId: string): Promise<RunRecord | undefined> => {
    const text = await readFile(file(runId), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : runRecord.safeParse(parseJson(text)).data;
  };
  const removals = new Set<Promise<void>>();
  const inBackground = (removal: Promise<void>): void => {
    removals.add(removal);
    void removal.then(() => removals.delete(removal));
  };
  /** Most attempts leave it empty. */
  const removeTmp = (runId: string): Promise<void> =>
    rmdir(tmpDir(runId)).catch(() => removeTree(tmpDir(runId)));
  return {
    tmpDir,
    homeDir,
    workspaceDir,
    prepare: (runId, { home }) => {
      orUnavailable(() => {
        mkdirSync(tmpDir(runId), { recursive: true, mode: 0o700 });
        if (home) mkdirSync(homeDir(runId), { recursive: true, mode: 0o700 });
      });
    },
    write: (record) => {
      const target = file(record.detail.run_id);
      orUnavailable(() => {
        writeFileSync(`${target}.new`, JSON.stringify(record), { mode: 0o600 });
        renameSync(`${target}.new`, target);
      });
    },
    read,
    readAll: () => readAll(dir, read),
    removeTmp,
    removePrivate: (runId, { home }) => {
      inBackground(removeTmp(runId));
      if (home) inBackground(removeTree(homeDir(runId)));
    },
    removeWorkspace: (runId) => {
      inBackground(removeTree(workspaceDir(runId)));
    },
    removed: async () => {
      await Promise.all(removals);
    },
    remove: (runId) => {
      inBackground(removeTree(folder(runId)));
    },
  };
}

async function readAll(
  dir: string,
  read: (runId: string) => Promise<RunRecord | undefined>,
): Promise<RunRecord[]> {
  const names = await readdir(dir).catch((): string[] => []);
  const records: RunRecord[] = [];
  const reader = async (): Promise<void> => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const record = await read(name);
      if (record !== undefined) records.push(record);
    }
  };
  await Promise.all(Array.from({ length: readersAtBoot }, reader));
  return records;
}

/** What cannot be removed now costs room, nothing else. */
async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

function orUnavailable(work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw new FleetError('STORE_UNAVAILABLE', "The worker's state folder cannot be written.", { cause });
  }
}
