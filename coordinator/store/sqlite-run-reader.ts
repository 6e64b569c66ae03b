import { setImmediate } from 'node:timers/promises';
import { openForReading } from './database.ts';
import { describeFailure, toFleetError } from './failures.ts';
import type { RunReader } from './run-calls.ts';
import { prepareReads } from './read-statements.ts';
import { createRunLoader } from './run-loader.ts';
import { toHandle, toTold } from './rows.ts';
import type { EndedSelection, RunRecord, Selection } from './run-store.ts';

/** Runs of one read transaction of open(): about 10 ms of the main thread. */
const pageRuns = 200;

export interface SqliteRunReader extends RunReader {
  close(): void;
}

/** Short reads beside the writer: a long one would keep its log from being folded away. */
export function openSqliteRunReader(file: string): SqliteRunReader {
  const db = openForReading(file);
  const sql = prepareReads(db);
  const loader = createRunLoader(db);

  /** One transaction: a run's rows all of the same moment. */
  function consistent<Args extends unknown[], T>(read: (...args: Args) => T): (...args: Args) => T {
    const transaction = db.transaction(read);
    return (...args) => {
      try {
        return transaction(...args);
      } catch (error) {
        throw toFleetError(describeFailure(error, file));
      }
    };
  }

  function select(selection: Selection): RunRecord[] {
    return sql.select(selection).map((row) => loader.complete(row));
  }
  const openPage = consistent((arrivals: readonly number[]): RunRecord[] => {
    return sql.openOf.all(JSON.stringify(arrivals)).map((row) => loader.complete(row));
  });
  const openArrivals = consistent(() => sql.openArrivals.all());

  return {
    get: consistent((runId: string) => loader.byId(runId)),
    select: consistent(select),
    selectWithOpen: consistent((selection: Selection) => {
      return { runs: select(selection), open: sql.countOpen(selection) };
    }),
    lately: consistent((last: number) => sql.lately.all(last).map((row) => loader.complete(row))),
    ended: consistent((selection: EndedSelection) => sql.ended(selection)),
    owed: consistent(() => sql.owed.all()),
    firstOf: consistent((owner: string, taskId: string) => {
      const row = sql.byArrival.get(sql.firstOf.get(owner, taskId) ?? -1);
      return row && loader.complete(row);
    }),
    storedBytesOf: consistent((owner: string, taskId: string) => sql.storedBytesOf.get(owner, taskId) ?? 0),
    storedBytes: consistent(() => sql.storedBytes.get() ?? 0),
    contentsOnlyOf: consistent(
      (runIds: readonly string[]) => sql.contentsOnlyOf.get(JSON.stringify(runIds)) ?? { files: 0, bytes: 0 },
    ),
    async open() {
      const arrivals = openArrivals();
      const runs: RunRecord[] = [];
      for (let from = 0; from < arrivals.length; from += pageRuns) {
        if (from > 0) await setImmediate();
        runs.push(...openPage(arrivals.slice(from, from + pageRuns)));
      }
      return runs;
    },
    expired: consistent((now: number) => sql.expired.all(now)),
    taskBudget: consistent((owner: string, taskId: string) => {
      const limits = sql.taskBudget.get(owner, taskId);
      return limits === undefined ? undefined : JSON.parse(limits);
    }),
    spentBefore: consistent((owner: string, taskId: string) => {
      const spent = sql.spentBefore.get(owner, taskId);
      return spent === undefined || spent === null ? undefined : JSON.parse(spent);
    }),
    budgetedTasks: consistent(() => sql.budgetedTasks.all()),
    findHandle: consistent((handleId: string) => {
      const row = sql.handle.get(handleId);
      if (row === undefined) return undefined;
      const { run_id, owner, ended_at: endedAt } = row;
      return { run_id, owner, ended_at: endedAt ?? undefined, handle: toHandle(row) };
    }),
    told: consistent((runId: string) => {
      const row = sql.told.get(runId);
      return row && toTold(row);
    }),
    drained: consistent(() => sql.drained.all()),
    latestSeq: consistent(() => sql.latestSeq.get() ?? 0),
    close: () => {
      db.close();
    },
  };
}
