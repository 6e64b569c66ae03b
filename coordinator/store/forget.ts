import { addSpent, spentBy } from '../../core/budget.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import type { RunRecord } from './run-store.ts';
import type { RunTable } from './run-table.ts';

/** Removes a run that has ended; its workers are owed the news. undefined where it cannot be forgotten. */
export function forget(table: RunTable, runId: string): RunRecord | undefined {
  const run = table.load(runId);
  if (run === undefined || !isTerminal(run.status)) return undefined;
  table.remove(run);
  for (const worker_id of new Set(run.attempts.map(({ placement }) => placement.worker_id))) {
    table.owe({ worker_id, run_id: runId, attempts: run.attempts.length });
  }
  settleBudget(table, run);
  return run;
}

/** What it has used stays used while its task has runs; with the last of them its budget goes, too. */
function settleBudget(table: RunTable, { owner, spec: { task_id: taskId }, attempts }: RunRecord): void {
  const task = table.loadTask(owner, taskId);
  if (task === undefined) return;
  if (table.countRuns(owner, taskId) === 0) table.removeTask(owner, taskId);
  else table.saveTask(owner, taskId, { ...task, spent: addSpent(task.spent, spentBy(attempts)) });
}
