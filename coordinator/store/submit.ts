import { lowered, raisedBy } from '../../core/budget.ts';
import { sameSpec } from '../../core/same-spec.ts';
import type { RunTable } from './run-table.ts';
import { accepted } from './run-changes.ts';
import type { NewRun, Submitted, TaskRow } from './run-store.ts';

/** What is to become of an entry; `run_id` is the run that has its key: a stored one, or an earlier entry. */
type Verdict =
  | { kind: 'create'; entry: NewRun }
  | { kind: 'same'; run_id: string }
  | Extract<Submitted, { kind: 'conflict' | 'over_budget' }>;

/** Judges the whole batch first and creates afterwards: where one entry is refused nothing is created. */
export function submit(table: RunTable, entries: readonly NewRun[]): Submitted[] {
  const tasks = createTaskRows(table);
  const verdicts = judge(table, tasks, entries);
  const refused = verdicts.some(({ kind }) => kind === 'conflict' || kind === 'over_budget');
  const submitted = verdicts.map((verdict): Submitted => {
    switch (verdict.kind) {
      case 'conflict':
      case 'over_budget':
        return verdict;
      case 'same':
        return existing(table, verdict.run_id);
      case 'create':
        return refused ? { kind: 'withheld' } : create(table, verdict.entry);
    }
  });
  if (!refused) tasks.save();
  return submitted;
}

function judge(table: RunTable, tasks: TaskRows, entries: readonly NewRun[]): Verdict[] {
  const batch = new Map<string, NewRun>();
  /** Entries that are runs there were before. */
  const known = new Map<string, string>();
  return entries.map((asked): Verdict => {
    const entry = withAfter(asked, known);
    const requestKey = entry.spec.request_key;
    if (requestKey === undefined) return tasks.take(entry);
    const key = JSON.stringify([entry.owner, requestKey]);
    const holder = batch.get(key) ?? table.loadByKey(entry.owner, requestKey);
    if (holder === undefined) {
      batch.set(key, entry);
      return tasks.take(entry);
    }
    known.set(entry.run_id, holder.run_id);
    return { kind: sameSpec(holder.spec, entry.spec) ? 'same' : 'conflict', run_id: holder.run_id };
  });
}

function withAfter(entry: NewRun, known: ReadonlyMap<string, string>): NewRun {
  const { after } = entry.spec;
  if (after === undefined) return entry;
  return { ...entry, spec: { ...entry.spec, after: after.map((runId) => known.get(runId) ?? runId) } };
}

/** The budgets of the tasks of a batch, as they stand with the entries taken so far. */
interface TaskRows {
  take(entry: NewRun): Verdict;
  save(): void;
}

function createTaskRows(table: RunTable): TaskRows {
  const rows = new Map<string, { owner: string; task_id: string; row: TaskRow | undefined }>();

  function find({ owner, spec: { task_id, task_budget } }: NewRun): TaskRow | undefined {
    const key = JSON.stringify([owner, task_id]);
    const known = rows.get(key)?.row ?? table.loadTask(owner, task_id);
    const row = known ?? (task_budget && { limits: {}, runs: table.countRuns(owner, task_id) });
    rows.set(key, { owner, task_id, row });
    return row;
  }
  return {
    take(entry) {
      const row = find(entry);
      if (row === undefined) return { kind: 'create', entry };
      const { owner, spec } = entry;
      const { task_id, task_budget = {} } = spec;
      const raised = raisedBy(row.limits, task_budget);
      if (raised !== undefined)
        return { kind: 'over_budget', which: raised, limit: row.limits[raised] ?? 0, raises: true };
      const limits = lowered(row.limits, task_budget);
      const runs = row.runs + 1;
      if (runs > (limits.runs ?? Infinity))
        return { kind: 'over_budget', which: 'runs', limit: limits.runs ?? 0, raises: false };
      rows.set(JSON.stringify([owner, task_id]), { owner, task_id, row: { ...row, limits, runs } });
      return { kind: 'create', entry };
    },
    save() {
      for (const { owner, task_id, row } of rows.values())
        if (row !== undefined) table.saveTask(owner, task_id, row);
    },
  };
}

/** The key's run; in a refused batch that may be an entry that was not created either. */
function existing(table: RunTable, runId: string): Submitted {
  const run = table.load(runId);
  return run === undefined ? { kind: 'withheld' } : { kind: 'existing', run };
}

function create(table: RunTable, entry: NewRun): Submitted {
  const run = accepted(entry, table.nextSeq());
  table.insert(run);
  return { kind: 'created', run };
}
