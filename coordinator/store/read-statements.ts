import type { Database, Statement } from 'better-sqlite3';
import { everyone } from '../../core/owners.ts';
import type { HandleRow, RunRow, ToldSqlRow } from './rows.ts';
import { handleColumnNames, runColumns } from './run-loader.ts';
import type { EndedRun, EndedSelection, Owed, Selection } from './run-store.ts';

const runs = `SELECT ${runColumns} FROM run JOIN run_spec USING (arrival)`;
const listed = 'run_id IN (SELECT value FROM json_each(?))';

/** A list of ids, twice, or null; a task id, or null. */
const anyOwner = `(? IS NULL OR ${listed}) AND +task_id = coalesce(?, task_id)`;

type Scope = Omit<Selection, 'after_seq' | 'limit'>;

/** What is read besides single runs. */
export interface Reads {
  select(selection: Selection): RunRow[];
  countOpen(scope: Scope): number;
  /** Without the rest of the rows: the list is long where a fleet is busy. */
  openArrivals: Statement<[], number>;
  /** Those of a JSON array of arrivals that are still open. */
  openOf: Statement<[string], RunRow>;
  /** Those of the last so many to arrive that have ended. */
  lately: Statement<[number], RunRow>;
  expired: Statement<[number], { run_id: string; attempt: number }>;
  ended(selection: EndedSelection): EndedRun[];
  owed: Statement<[], Owed>;
  /** The arrival of a task's first run. */
  firstOf: Statement<[string, string], number | null>;
  byArrival: Statement<[number], RunRow>;
  storedBytes: Statement<[], number>;
  storedBytesOf: Statement<[string, string], number>;
  contentsOnlyOf: Statement<[string], { files: number; bytes: number }>;
  spentBefore: Statement<[string, string], string | null>;
  handle: Statement<[string], HandleRow & { run_id: string; owner: string; ended_at: number | null }>;
  told: Statement<[string], ToldSqlRow>;
  drained: Statement<[], string>;
  latestSeq: Statement<[], number>;
  taskBudget: Statement<[string, string], string>;
  budgetedTasks: Statement<[], { owner: string; task_id: string }>;
}

/** Every statement prepared once, and served by an index. */
export function prepareReads(db: Database): Reads {
  return {
    select: prepareSelect(db),
    countOpen: prepareCountOpen(db),
    openArrivals: db
      .prepare<[], number>(
        'SELECT arrival FROM run INDEXED BY run_open WHERE ended_at IS NULL ORDER BY arrival',
      )
      .pluck(),
    openOf: db.prepare<[string], RunRow>(
      `${runs} WHERE arrival IN (SELECT value FROM json_each(?)) AND ended_at IS NULL ORDER BY arrival`,
    ),
    lately: db.prepare<[number], RunRow>(
      `${runs} WHERE arrival > (SELECT max(arrival) - ? FROM run) AND ended_at IS NOT NULL ORDER BY arrival`,
    ),
    expired: db.prepare<[number], { run_id: string; attempt: number }>(
      `SELECT run_id, attempt.attempt FROM attempt INDEXED BY attempt_leased JOIN run USING (arrival)
       WHERE attempt.ended_at IS NULL AND lease_until < ? ORDER BY arrival, attempt.attempt`,
    ),
    ended: prepareEnded(db),
    owed: db.prepare<[], Owed>('SELECT worker_id, run_id, attempts FROM owed ORDER BY worker_id, run_id'),
    firstOf: db
      .prepare<[string, string], number | null>(
        'SELECT min(arrival) FROM run WHERE owner = ? AND task_id = ?',
      )
      .pluck(),
    byArrival: db.prepare<[number], RunRow>(`${runs} WHERE arrival = ?`),
    storedBytes: db
      .prepare<[], number>(
        `SELECT coalesce(sum(bytes), 0) FROM
           (SELECT max(bytes) AS bytes FROM handle GROUP BY coalesce(sha256, handle_id))`,
      )
      .pluck(),
    storedBytesOf: db
      .prepare<[string, string], number>(
        `SELECT coalesce(sum(bytes), 0) FROM
           (SELECT max(bytes) AS bytes FROM run INDEXED BY run_of_task JOIN handle USING (arrival)
            WHERE owner = ? AND task_id = ? GROUP BY coalesce(sha256, handle_id))`,
      )
      .pluck(),
    contentsOnlyOf: db.prepare<[string], { files: number; bytes: number }>(
      `SELECT count(*) AS files, coalesce(sum(bytes), 0) AS bytes FROM (
         SELECT bytes FROM handle WHERE sha256 IS NOT NULL GROUP BY sha256
         HAVING min(arrival IN (SELECT arrival FROM run WHERE ${listed})) = 1)`,
    ),
    spentBefore: db
      .prepare<[string, string], string | null>(
        'SELECT spent FROM task_budget WHERE owner = ? AND task_id = ?',
      )
      .pluck(),
    handle: db.prepare<[string], HandleRow & { run_id: string; owner: string; ended_at: number | null }>(
      `SELECT run_id, owner, ended_at, ${handleColumnNames} FROM handle JOIN run USING (arrival) WHERE handle_id = ?`,
    ),
    told: db.prepare<[string], ToldSqlRow>(
      `SELECT run_id, replies, bytes, counted_bytes, tokens, inline_tokens, inline_method
       FROM run JOIN told USING (arrival) WHERE run_id = ?`,
    ),
    drained: db.prepare<[], string>('SELECT worker_id FROM drained_worker ORDER BY worker_id').pluck(),
    latestSeq: db.prepare<[], number>('SELECT seq FROM counter').pluck(),
    taskBudget: db
      .prepare<[string, string], string>('SELECT limits FROM task_budget WHERE owner = ? AND task_id = ?')
      .pluck(),
    budgetedTasks: db.prepare<[], { owner: string; task_id: string }>(
      'SELECT owner, task_id FROM task_budget ORDER BY owner, task_id',
    ),
  };
}

// A unary plus keeps a column's index out of a plan: a list of ids is looked up by id, whatever else is asked.
function prepareSelect(db: Database): (selection: Selection) => RunRow[] {
  const page = 'seq > ? ORDER BY seq LIMIT ?';
  const ofOwner = db.prepare<unknown[], RunRow>(`${runs} WHERE owner = ? AND ${page}`);
  const ofTask = db.prepare<unknown[], RunRow>(`${runs} WHERE owner = ? AND task_id = ? AND ${page}`);
  const ofList = db.prepare<unknown[], RunRow>(
    `${runs} WHERE ${listed} AND +owner = ? AND +task_id = coalesce(?, task_id) AND +seq > ? ORDER BY +seq LIMIT ?`,
  );
  // Of everyone: asked for by few, and prepared only then.
  let ofAll: Statement<unknown[], RunRow> | undefined;
  return ({ owner, run_ids: ids, task_id: task, after_seq: after, limit }) => {
    if (owner === everyone) {
      ofAll ??= db.prepare(`${runs} WHERE ${anyOwner} AND ${page}`);
      return ofAll.all(listOf(ids), listOf(ids), task ?? null, after, limit);
    }
    if (ids !== undefined) return ofList.all(JSON.stringify(ids), owner, task ?? null, after, limit);
    return task === undefined ? ofOwner.all(owner, after, limit) : ofTask.all(owner, task, after, limit);
  };
}

function prepareEnded(db: Database): Reads['ended'] {
  const page = db.prepare<[number, number, number, number], EndedRun>(
    `SELECT run_id, arrival, ended_at,
       (SELECT count(*) FROM handle WHERE handle.arrival = run.arrival) AS handles,
       (SELECT coalesce(sum(bytes), 0) FROM handle WHERE handle.arrival = run.arrival) AS bytes
     FROM run INDEXED BY run_ended
     WHERE ended_at IS NOT NULL AND ended_at <= ? AND (ended_at, arrival) > (?, ?)
     ORDER BY ended_at, arrival LIMIT ?`,
  );
  return ({ until, after = { ended_at: -1, arrival: -1 }, limit }) =>
    page.all(until, after.ended_at, after.arrival, limit);
}

function prepareCountOpen(db: Database): (scope: Scope) => number {
  const count = 'SELECT count(*) FROM run WHERE ended_at IS NULL AND';
  const ofOwner = db.prepare<unknown[], number>(`${count} owner = ?`).pluck();
  const ofTask = db.prepare<unknown[], number>(`${count} owner = ? AND task_id = ?`).pluck();
  const ofList = db
    .prepare<unknown[], number>(`${count} ${listed} AND +owner = ? AND +task_id = coalesce(?, task_id)`)
    .pluck();
  let ofAll: Statement<unknown[], number> | undefined;
  return ({ owner, run_ids: ids, task_id: task }) => {
    if (owner === everyone) {
      ofAll ??= db.prepare<unknown[], number>(`${count} ${anyOwner}`).pluck();
      return ofAll.get(listOf(ids), listOf(ids), task ?? null) ?? 0;
    }
    if (ids !== undefined) return ofList.get(JSON.stringify(ids), owner, task ?? null) ?? 0;
    return (task === undefined ? ofOwner.get(owner) : ofTask.get(owner, task)) ?? 0;
  };
}

function listOf(ids: readonly string[] | undefined): string | null {
  return ids === undefined ? null : JSON.stringify(ids);
}
