import { join } from 'node:path';
import { isTerminal } from '../../../schemas/run-words.ts';
import { Journal, readJournal, type Place } from '../journal.ts';
import { runRecord, type RunRecord } from './record.ts';

/** Above this many lines, beyond the first and the last of every run, the journal is rewritten at a start. */
const journalSlack = 1024;

/** The records of a worker's runs, each as it was last written. */
export interface RecordJournal {
  /** Whether the disk took it; where not, the record before it is still there. */
  write: (record: RunRecord) => boolean;
  read: (runId: string) => RunRecord | undefined;
  /** In the order of their first records; what cannot be read is left out. */
  readAll: () => RunRecord[];
  forget: (runId: string) => void;
}

/** Throws where the file cannot be opened. */
export function openRecordJournal(file: string): RecordJournal {
  const journal = new Journal<RunRecord>('record', file, runRecord);
  const places = new Map<string, Place>();
  let lines = 0;
  journal.replay(({ id, state }, place) => {
    lines += 1;
    if (state === 'deleted') places.delete(id);
    else places.set(id, place);
  });
  if (lines > 2 * places.size + journalSlack) compact(journal, places);

  const read = (runId: string): RunRecord | undefined => {
    const place = places.get(runId);
    return place && journal.read(place);
  };
  return {
    write: (record) => {
      const { run_id: id, status } = record.detail;
      const place = journal.append({ id, run_id: id, state: isTerminal(status) ? 'sealed' : 'open' }, record);
      if (place !== undefined) places.set(id, place);
      return place !== undefined;
    },
    read,
    readAll: () => [...places.keys()].map(read).filter((record) => record !== undefined),
    forget: (runId) => {
      if (places.delete(runId)) journal.appendDeleted(runId, runId);
    },
  };
}

/** The records of a worker that may be running, by run. */
export function readRecords(workerDir: string): Map<string, RunRecord> {
  return readJournal(recordsFile(workerDir), runRecord);
}

export function recordsFile(workerDir: string): string {
  return join(workerDir, 'runs', 'records.jsonl');
}

function compact(journal: Journal<RunRecord>, places: Map<string, Place>): void {
  const live = [...places];
  const moved = journal.compact(live.map(([, place]) => place));
  live.forEach(([id], at) => {
    const place = moved[at];
    if (place !== undefined) places.set(id, place);
  });
}
