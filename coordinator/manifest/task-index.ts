import { manifestSchemaVersion, type TaskManifest } from '../../schemas/manifest.ts';
import { addSpent, spentBy } from '../../core/budget.ts';
import type { Spent, TaskBudget } from '../../schemas/run.ts';
import type { RunRecord, RunStore } from '../store/run-store.ts';
import { indexEntry, type IndexEntry } from './build-manifest.ts';

/** The index of one task in memory, as far as it was read. */
export interface TaskIndex {
  readonly owner: string;
  readonly task_id: string;
  /** The run that came first: its folder is the one the task was started for. */
  first: RunRecord | undefined;
  entries: Map<string, IndexEntry>;
  /** What each run has used. */
  spent: Map<string, Spent>;
  /** Changes up to this sequence number are in it. */
  seq: number;
}

const pageSize = 100;

export function newTaskIndex(owner: string, taskId: string): TaskIndex {
  return { owner, task_id: taskId, first: undefined, entries: new Map(), spent: new Map(), seq: 0 };
}

/** Takes in what changed after `afterSeq`, page by page; `each` settles before the next page is read. */
export async function readOn(
  index: TaskIndex,
  store: RunStore,
  afterSeq: number,
  each: (page: readonly RunRecord[]) => Promise<void>,
): Promise<void> {
  for (let seq = afterSeq; ;) {
    const { owner, task_id } = index;
    const page = await store.select({ owner, task_id, after_seq: seq, limit: pageSize });
    for (const run of page) takeIn(index, run);
    await each(page);
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    // Not how far the index is: it may have been read further before.
    seq = last.seq;
  }
}

function takeIn(index: TaskIndex, run: RunRecord): void {
  if (index.first === undefined || run.arrival < index.first.arrival) index.first = run;
  index.entries.set(run.run_id, indexEntry(run));
  index.spent.set(run.run_id, spentBy(run.attempts));
  index.seq = Math.max(index.seq, run.seq);
}

/** `limits`: of a task with a budget; `before`: what runs have used of it that are no longer kept. */
export function taskManifest(
  { task_id, first, entries, spent }: TaskIndex,
  limits: TaskBudget | undefined,
  before?: Spent,
): TaskManifest {
  return {
    schema_version: manifestSchemaVersion,
    task_id,
    cwd: first?.spec.cwd ?? '',
    created_at: first?.accepted_at ?? 0,
    ...(limits !== undefined && { budget: { limits, used: sumOf(before, spent.values()) } }),
    runs: [...entries.values()],
  };
}

function sumOf(before: Spent | undefined, all: Iterable<Spent>): Spent {
  let sum: Spent = before ?? { tokens: 0, turns: 0, wall_ms: 0, attempts: 0 };
  for (const one of all) sum = addSpent(sum, one);
  return sum;
}
