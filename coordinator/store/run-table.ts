import type { ToldRow } from '../../core/token-ledger.ts';
import type { Owed, RunRecord, TaskRow } from './run-store.ts';

/** Where runs lie while an operation works on them: rows of SQLite, or a Map. */
export interface RunTable {
  load(runId: string): RunRecord | undefined;
  loadByKey(owner: string, requestKey: string): RunRecord | undefined;
  /** Whether any run has a handle of this id. */
  hasHandle(handleId: string): boolean;
  nextSeq(): number;
  insert(run: RunRecord): void;
  /** `leaseUntil` with a new attempt: its own; a lease ends with its attempt. */
  update(before: RunRecord, after: RunRecord, leaseUntil?: number): void;
  /** The run with all its parts. */
  remove(run: RunRecord): void;
  owe(owed: Owed): void;
  settle(workerId: string, runIds: readonly string[]): void;
  /** undefined for a task without a budget. */
  loadTask(owner: string, taskId: string): TaskRow | undefined;
  saveTask(owner: string, taskId: string, row: TaskRow): void;
  removeTask(owner: string, taskId: string): void;
  countRuns(owner: string, taskId: string): number;
  extendLeases(workerIds: readonly string[], until: number): void;
  /** Adds to what was told of a run, where it is kept. */
  tell(row: ToldRow): void;
  setDrained(workerId: string, drained: boolean): void;
}
