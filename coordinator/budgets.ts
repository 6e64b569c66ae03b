import { ownLeft } from '../core/budget.ts';
import { createTaskLedger, type TaskLedger } from '../core/task-ledger.ts';
import type { Logger } from '../platform/log.ts';
import type { Reserved } from '../schemas/run.ts';
import type { Changes } from './changes.ts';
import type { Clock } from './clock.ts';
import type { Held } from './dependencies.ts';
import { untilStored } from './store-retry.ts';
import type { Ending, RunRecord, RunStore } from './store/run-store.ts';

/** What runs may use: shares of their tasks' budgets, given before they are queued, and their own. */
export interface Budgets {
  readonly size: number;
  has(runId: string): boolean;
  /** Whether nothing has to be counted before a run is queued. */
  isFree(run: Pick<RunRecord, 'owner' | 'spec' | 'attempts'>): boolean;
  /** Takes a run until there is a share for it; where there will be none, ends it. */
  hold(held: Held): void;
  drop(runId: string): void;
  /** What the next attempt of a run may use. */
  given(run: Pick<RunRecord, 'run_id' | 'owner' | 'spec' | 'attempts'>): Reserved | undefined;
  changed(run: RunRecord): void;
  /** Learns which tasks have a budget. */
  restore(): Promise<void>;
}

export interface BudgetOptions {
  store: RunStore;
  changes: Pick<Changes, 'announce'>;
  /** Runs the fleet executes at a time. */
  slots(): number;
  /** It has its share. */
  ready(held: Held): void;
  clock: Clock;
  log: Logger;
}

interface Task {
  owner: string;
  task_id: string;
  /** undefined until it was read. */
  ledger: TaskLedger | undefined;
  waiting: Map<string, Held>;
  /** Settles when what changed so far was taken in. */
  work: Promise<void>;
  isDue: boolean;
}

type OfTask = Pick<RunRecord, 'owner' | 'spec'>;

const pageSize = 200;

export function createBudgets(options: BudgetOptions): Budgets {
  const { store, changes, slots, ready, clock, log } = options;
  const tasks = new Map<string, Task>();
  /** Which task a run waits in, or has its share of without having begun. */
  const taskOfRun = new Map<string, Task>();

  function find({ owner, spec }: OfTask): Task | undefined {
    return tasks.get(keyOf(owner, spec.task_id));
  }
  function make(owner: string, taskId: string): Task {
    const task: Task = {
      owner,
      task_id: taskId,
      ledger: undefined,
      waiting: new Map(),
      work: Promise.resolve(),
      isDue: false,
    };
    tasks.set(keyOf(owner, taskId), task);
    return task;
  }
  /** Once for all that happens in one turn of the event loop. */
  function poke(task: Task): void {
    if (task.isDue) return;
    task.isDue = true;
    setImmediate(() => {
      task.isDue = false;
      task.work = task.work
        .then(() => untilStored(() => admitAll(task)))
        .catch((error: unknown) => {
          log.error({ err: error, task: task.task_id }, 'the budget of a task could not be applied');
        });
    });
  }
  async function admitAll(task: Task): Promise<void> {
    const ledger = await upToDate(task);
    const ends: Ending[] = [];
    for (const [runId, held] of task.waiting) {
      const end = ownEnd(held.run) ?? admit(ledger, held.run, task.waiting.size - ends.length);
      if (end === 'later') break;
      if (end !== 'admitted') ends.push({ run_id: runId, now: clock.now(), ...end });
      else {
        task.waiting.delete(runId);
        ready(held);
      }
    }
    if (ledger === undefined && task.waiting.size === 0) tasks.delete(keyOf(task.owner, task.task_id));
    if (ends.length === 0) return;
    const ended = await store.end(ends);
    for (const { run_id: runId } of ends) drop(runId);
    changes.announce(ended);
  }
  type End = Pick<Ending, 'outcome' | 'error'>;

  function admit(
    ledger: TaskLedger | undefined,
    run: RunRecord,
    waiting: number,
  ): End | 'admitted' | 'later' {
    const answer = ledger?.admit(run, slots(), waiting) ?? { kind: 'admitted' };
    if (answer.kind !== 'spent') return answer.kind;
    const { which, limit } = answer;
    return {
      outcome: { kind: 'limit', which: which === 'wall_ms' ? 'wall' : which },
      error: `Its task has used up its budget: ${String(limit)} ${which}.`,
    };
  }
  /** As the store has it: another call may have set or lowered it. */
  async function upToDate(task: Task): Promise<TaskLedger | undefined> {
    const limits = await store.taskBudget(task.owner, task.task_id);
    if (limits === undefined) return undefined;
    if (task.ledger === undefined) {
      const ledger = createTaskLedger(limits, await store.spentBefore(task.owner, task.task_id));
      // From here on changes are noted as they come: what is read meanwhile is never newer.
      task.ledger = ledger;
      try {
        await readRuns(task, (run) => ledger.note(run));
      } catch (error) {
        task.ledger = undefined;
        throw error;
      }
    }
    task.ledger.lower(limits);
    return task.ledger;
  }
  async function readRuns({ owner, task_id }: Task, each: (run: RunRecord) => void): Promise<void> {
    for (let seq = 0; ;) {
      const page = await store.select({ owner, task_id, after_seq: seq, limit: pageSize });
      page.forEach(each);
      if (page.length < pageSize) return;
      seq = page.at(-1)?.seq ?? seq;
    }
  }
  function drop(runId: string): void {
    const task = taskOfRun.get(runId);
    if (task === undefined) return;
    taskOfRun.delete(runId);
    task.waiting.delete(runId);
    task.ledger?.withdraw(runId);
    poke(task);
  }
  return {
    get size() {
      let size = 0;
      for (const task of tasks.values()) size += task.waiting.size;
      return size;
    },
    has: (runId) => taskOfRun.get(runId)?.waiting.has(runId) === true,
    isFree: (run) =>
      find(run) === undefined && run.spec.task_budget === undefined && ownEnd(run) === undefined,
    hold(held) {
      const { run } = held;
      const task = find(run) ?? make(run.owner, run.spec.task_id);
      taskOfRun.set(run.run_id, task);
      task.waiting.set(run.run_id, held);
      poke(task);
    },
    drop,
    given(run) {
      const ledger = find(run)?.ledger;
      const given = ledger === undefined ? ownReserved(run) : ledger.given(run.run_id);
      return Object.keys(given).length === 0 ? undefined : given;
    },
    changed(run) {
      const task = find(run);
      if (task === undefined) return;
      task.ledger?.note(run);
      if (run.ended_at !== undefined) drop(run.run_id);
      else if (run.attempts.some((attempt) => attempt.ended_at === undefined)) taskOfRun.delete(run.run_id);
      if (task.waiting.size > 0) poke(task);
    },
    async restore() {
      for (const { owner, task_id } of await store.budgetedTasks()) make(owner, task_id);
    },
  };
}

function keyOf(owner: string, taskId: string): string {
  return JSON.stringify([owner, taskId]);
}

type Own = Pick<RunRecord, 'spec' | 'attempts'>;

/** Where earlier attempts left nothing of the run's own budget. */
function ownEnd({ spec, attempts }: Own): Pick<Ending, 'outcome' | 'error'> | undefined {
  const { tokens = 1, turns = 1 } = ownLeft(spec, attempts);
  if (tokens > 0 && turns > 0) return undefined;
  const which = tokens > 0 ? 'turns' : 'tokens';
  return {
    outcome: { kind: 'limit', which },
    error: `Its earlier attempts have used up its budget of ${which}.`,
  };
}

function ownReserved({ spec, attempts }: Own): Reserved {
  const { tokens, turns } = ownLeft(spec, attempts);
  return { ...(tokens !== undefined && { tokens }), ...(turns !== undefined && { turns }) };
}
