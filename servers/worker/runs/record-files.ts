import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '../../../core/errors.ts';
import { parseJson } from '../../../core/parse-json.ts';
import { runRecord, type RunRecord } from './record.ts';

/**
 * The folder of each run: `record.json`, replaced by rename so that it is never half written; `tmp/`,
 * the attempt's own TMPDIR; `home/`, what its engine keeps until the run has ended.
 */
export interface RecordFiles {
  tmpDir: (runId: string) => string;
  homeDir: (runId: string) => string;
  /** Makes `tmp/`, and `home/` where asked for. STORE_UNAVAILABLE where the disk refuses. */
  prepare: (runId: string, options: { home: boolean }) => Promise<void>;
  /** Returns once the record would survive this process; writes of one run keep their order. */
  write: (record: RunRecord) => Promise<void>;
  read: (runId: string) => Promise<RunRecord | undefined>;
  readAll: () => Promise<RunRecord[]>;
  removeTmp: (runId: string) => Promise<void>;
  removeHome: (runId: string) => Promise<void>;
  /** All of a run: it was never accepted. */
  remove: (runId: string) => Promise<void>;
}

/** Records read at a time while a worker boots. */
const readersAtBoot = 32;

export function openRecordFiles(dir: string): RecordFiles {
  const folder = (runId: string): string => join(dir, runId);
  const tmpDir = (runId: string): string => join(folder(runId), 'tmp');
  const homeDir = (runId: string): string => join(folder(runId), 'home');
  const file = (runId: string): string => join(folder(runId), 'record.json');
  const lastWrites = new Map<string, Promise<void>>();

  const replace = async (record: RunRecord): Promise<void> => {
    const target = file(record.detail.run_id);
    await writeFile(`${target}.new`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${target}.new`, target);
  };
  const write = async (record: RunRecord): Promise<void> => {
    const runId = record.detail.run_id;
    const before = lastWrites.get(runId);
    const writing = before === undefined ? replace(record) : before.then(() => replace(record));
    const settled = writing.catch(() => undefined);
    lastWrites.set(runId, settled);
    try {
      await writing;
    } catch (error) {
      throw unwritable(error);
    } finally {
      if (lastWrites.get(runId) === settled) lastWrites.delete(runId);
    }
  };
  const read = async (runId: string): Promise<RunRecord | undefined> => {
    const text = await readFile(file(runId), 'utf8').catch(() => undefined);
    const parsed = text === undefined ? undefined : runRecord.safeParse(parseJson(text));
    return parsed?.data;
  };
  return {
    tmpDir,
    homeDir,
    prepare: async (runId, { home }) => {
      try {
        await mkdir(tmpDir(runId), { recursive: true, mode: 0o700 });
        if (home) await mkdir(homeDir(runId), { recursive: true, mode: 0o700 });
      } catch (error) {
        throw unwritable(error);
      }
    },
    write,
    read,
    readAll: () => readAll(dir, read),
    removeTmp: async (runId) => {
      // Most attempts leave it empty, and then this is one call.
      await rmdir(tmpDir(runId)).catch(() => remove(tmpDir(runId)));
    },
    removeHome: (runId) => remove(homeDir(runId)),
    remove: (runId) => remove(folder(runId)),
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
async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

function unwritable(cause: unknown): FleetError {
  return new FleetError('STORE_UNAVAILABLE', "The worker's state folder cannot be written.", { cause });
}
