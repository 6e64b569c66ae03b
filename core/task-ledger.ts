import type { AttemptRecord } from '../schemas/manifest.ts';
import type { Reserved, RunSpec, Spent, TaskBudget } from '../schemas/run.ts';
import { isTerminal, type RunStatus } from '../schemas/run-words.ts';
import { heldAttempt, heldBy, ownLeft, shareNames, spentBy, type ShareName } from './budget.ts';

/** A run as far as its task's budget is concerned. */
export interface BudgetedRun {
  run_id: string;
  seq: number;
  status: RunStatus;
  spec: Pick<RunSpec, 'max_tokens' | 'max_turns' | 'wall_ms'>;
  attempts: readonly AttemptRecord[];
}

/** What is counted against a budget by name; `runs` are counted as they are accepted. */
export type CountedName = Exclude<keyof TaskBudget, 'runs'>;

export type Admission =
  | { kind: 'admitted' }
  /** What others hold may come back. */
  | { kind: 'later' }
  | { kind: 'spent'; which: CountedName; limit: number };

/**
 * What a task may use, has used, and has given to runs that are under way or about to be: all in
 * memory, made again from the records of its runs.
 */
export interface TaskLedger {
  readonly limits: TaskBudget;
  lower(limits: TaskBudget): void;
  /** Takes in how a run stands; an older record than the last changes nothing. */
  note(run: BudgetedRun): void;
  /**
   * Gives a run its share, where there is one. `slots`: runs the fleet executes at a time; `waiting`: runs
   * of the task that wait for a share, this one included.
   */
  admit(run: BudgetedRun, slots: number, waiting: number): Admission;
  /** What an admitted run was given. */
  given(runId: string): Reserved;
  /** Takes back what was given to a run that did not begin. */
  withdraw(runId: string): void;
  spent(): Spent;
}

type Amounts = Record<CountedName, number>;

interface Entry {
  seq: number;
  spent: Amounts;
  held: Amounts;
}

interface Grant {
  amounts: Amounts;
  reserved: Reserved;
}

const counted = ['tokens', 'turns', 'wall_ms', 'attempts'] as const satisfies readonly CountedName[];
/** Less is of no use to anybody; `wall_ms` as start_run has it. */
const least: Amounts = { tokens: 1, turns: 1, wall_ms: 100, attempts: 1 };
/**
 * A share is not made smaller for the sake of others that wait: a delegated run of Codex reads 7 to 14
 * thousand tokens before it does anything.
 */
const leastShare: Record<ShareName, number> = { tokens: 20_000, turns: 5, wall_ms: 60_000 };

/** `before`: what runs of the task have used that are no longer kept. */
export function createTaskLedger(first: TaskBudget, before?: Spent): TaskLedger {
  let limits = first;
  const entries = new Map<string, Entry>();
  const grants = new Map<string, Grant>();
  const spent: Amounts = { ...none(), ...before };
  /** Held by runs under way, or given to runs about to begin. */
  const out = none();
  let holders = 0;

  function put(runId: string, entry: Entry): void {
    const old = entries.get(runId);
    if (old !== undefined) {
      add(spent, old.spent, -1);
      add(out, old.held, -1);
      if (holds(old)) holders--;
    }
    entries.set(runId, entry);
    add(spent, entry.spent, 1);
    add(out, entry.held, 1);
    if (holds(entry)) holders++;
  }
  function withdraw(runId: string): void {
    const grant = grants.get(runId);
    if (grant === undefined) return;
    grants.delete(runId);
    add(out, grant.amounts, -1);
  }
  function free(name: CountedName): number {
    return (limits[name] ?? Infinity) - spent[name] - out[name];
  }
  /** An equal part of what is free for each run that waits and could begin beside those that have theirs. */
  function share(name: ShareName, slots: number, waiting: number): number {
    const available = free(name);
    const beside = Math.max(1, Math.min(slots - holders - grants.size, waiting));
    return Math.max(Math.min(available, leastShare[name]), Math.floor(available / beside));
  }
  /** What the run asks of the task: what it keeps from an earlier attempt need not be asked again. */
  function asked(run: BudgetedRun, slots: number, waiting: number): Amounts {
    const own = { ...ownLeft(run.spec, run.attempts), wall_ms: run.spec.wall_ms };
    const keeps = heldAttempt(run.attempts) !== undefined;
    const ask = (name: ShareName): number =>
      keeps || limits[name] === undefined
        ? 0
        : Math.max(least[name], own[name] ?? share(name, slots, waiting));
    return { tokens: ask('tokens'), turns: ask('turns'), wall_ms: ask('wall_ms'), attempts: 1 };
  }
  function admit(run: BudgetedRun, slots: number, waiting: number): Admission {
    withdraw(run.run_id);
    const amounts = asked(run, slots, waiting);
    for (const name of counted) {
      const available = free(name);
      if (amounts[name] <= available) continue;
      if (out[name] > 0) return { kind: 'later' };
      if (available < least[name]) return { kind: 'spent', which: name, limit: limits[name] ?? 0 };
      amounts[name] = available;
    }
    const kept = heldAttempt(run.attempts)?.reserved;
    grants.set(run.run_id, { amounts, reserved: kept ?? reservedOf(amounts, run, limits) });
    add(out, amounts, 1);
    return { kind: 'admitted' };
  }
  return {
    get limits() {
      return limits;
    },
    lower(lower) {
      limits = lower;
    },
    note(run) {
      const known = entries.get(run.run_id);
      if (known !== undefined && known.seq > run.seq) return;
      const hasEnded = isTerminal(run.status);
      // Once it is under way, its record tells what it holds.
      if (hasEnded || run.attempts.some((attempt) => attempt.ended_at === undefined)) withdraw(run.run_id);
      const held = { ...heldBy(run.attempts, hasEnded), attempts: 0 };
      put(run.run_id, { seq: run.seq, spent: spentBy(run.attempts), held });
    },
    admit,
    given: (runId) => grants.get(runId)?.reserved ?? {},
    withdraw,
    spent: () => ({ ...spent }),
  };
}

function reservedOf(amounts: Amounts, { spec, attempts }: BudgetedRun, limits: TaskBudget): Reserved {
  const own = ownLeft(spec, attempts);
  const reserved: Reserved = {};
  for (const name of shareNames) {
    const given = limits[name] === undefined ? (name === 'wall_ms' ? undefined : own[name]) : amounts[name];
    if (given !== undefined) reserved[name] = given;
  }
  return reserved;
}

function holds({ held }: Entry): boolean {
  return shareNames.some((name) => held[name] > 0);
}

function none(): Amounts {
  return { tokens: 0, turns: 0, wall_ms: 0, attempts: 0 };
}

function add(sum: Amounts, amounts: Amounts, sign: 1 | -1): void {
  for (const name of counted) sum[name] += sign * amounts[name];
}
