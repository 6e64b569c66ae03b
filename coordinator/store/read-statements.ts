import type { Database, Statement } from 'better-sqlite3';
import type { HandleRow, RunRow } from './rows.ts';
import { handleColumnNames, runColumns } from './run-loader.ts';
import type { Selection } from './run-store.ts';

const runs = `SELECT ${runColumns} FROM run JOIN run_spec USING (arrival)`;
const listed = 'run_id IN (SELECT value FROM json_each(?))';

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
  handle: Statement<[string], HandleRow & { run_id: string; owner: string }>;
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
    handle: db.prepare<[string], HandleRow & { run_id: string; owner: string }>(
      `SELECT run_id, owner, ${handleColumnNames} FROM handle JOIN run USING (arrival) WHERE handle_id = ?`,
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
  return ({ owner, run_ids: ids, task_id: task, after_seq: after, limit }) => {
    if (ids !== undefined) return ofList.all(JSON.stringify(ids), owner, task ?? null, after, limit);
    return task === undefined ? ofOwner.all(owner, after, limit) : ofTask.all(owner, task, after, limit);
  };
}

function prepareCountOpen(db: Database): (scope: Scope) => number {
  const count = 'SELECT count(*) FROM run WHERE ended_at IS NULL AND';
  const ofOwner = db.prepare<unknown[], number>(`${count} owner = ?`).pluck();
  const ofTask = db.prepare<unknown[], number>(`${count} owner = ? AND task_id = ?`).pluck();
  const ofList = db
    .prepare<unknown[], number>(`${count} ${listed} AND +owner = ? AND +task_id = coalesce(?, task_id)`)
    .pluck();
  return ({ owner, run_ids: ids, task_id: task }) => {
    if (ids !== undefined) return ofList.get(JSON.stringify(ids), owner, task ?? null) ?? 0;
    return (task === undefined ? ofOwner.get(owner) : ofTask.get(owner, task)) ?? 0;
  };
}
