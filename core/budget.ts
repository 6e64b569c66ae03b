import type { AttemptRecord } from '../schemas/manifest.ts';
import type { Outcome, Reserved, RunSpec, Spent, TaskBudget, Usage } from '../schemas/run.ts';
import { budgetNames } from '../schemas/run-words.ts';

/** What is divided among runs; attempts and runs are counted one by one. */
export const shareNames = ['tokens', 'turns', 'wall_ms'] as const;
export type ShareName = (typeof shareNames)[number];

/** Tokens of model calls: input, cached ones included, and output, reasoning included, as OpenAI counts them. */
export function tokensOf({ input_tokens, output_tokens }: Usage): number {
  return input_tokens + output_tokens;
}

/** Which of its own limits a run's use has passed; with `goesOn`, would pass by the call that follows. */
export function passedLimit(
  usage: Usage,
  { max_tokens = Infinity, max_turns = Infinity }: Pick<RunSpec, 'max_tokens' | 'max_turns'>,
  goesOn: boolean,
): 'tokens' | 'turns' | undefined {
  const more = goesOn ? 1 : 0;
  if (tokensOf(usage) + more > max_tokens) return 'tokens';
  return usage.calls + more > max_turns ? 'turns' : undefined;
}

/** What the attempts of a run have used so far; one that never reached a process counts as none. */
export function spentBy(attempts: readonly AttemptRecord[]): Spent {
  const sum: Spent = { tokens: 0, turns: 0, wall_ms: 0, attempts: 0 };
  for (const attempt of attempts) {
    if (attempt.outcome?.kind === 'spawn') continue;
    sum.tokens += attempt.usage === undefined ? 0 : tokensOf(attempt.usage);
    sum.turns += attempt.usage?.calls ?? 0;
    sum.wall_ms += workedMs(attempt);
    sum.attempts += 1;
  }
  return sum;
}

export function addSpent(a: Spent | undefined, b: Spent): Spent {
  return {
    tokens: (a?.tokens ?? 0) + b.tokens,
    turns: (a?.turns ?? 0) + b.turns,
    wall_ms: (a?.wall_ms ?? 0) + b.wall_ms,
    attempts: (a?.attempts ?? 0) + b.attempts,
  };
}

/** Of an attempt whose worker told no time before it was lost, all the time it may have worked. */
function workedMs({ active_ms, claimed_at, ended_at, reserved }: AttemptRecord): number {
  if (active_ms !== undefined) return active_ms;
  if (ended_at === undefined) return 0;
  return Math.min(Math.max(0, ended_at - claimed_at), reserved?.wall_ms ?? Infinity);
}

/**
 * The last attempt that reached a worker, while that run may go on there: what it was given stays
 * its own until then, also between two attempts.
 */
export function heldAttempt(attempts: readonly AttemptRecord[]): AttemptRecord | undefined {
  const latest = attempts.findLast(({ outcome }) => outcome?.kind !== 'spawn');
  const { outcome } = latest ?? {};
  return outcome === undefined || (outcome.kind === 'lost' && outcome.resumable) ? latest : undefined;
}

/** How much of what a run was given it may still use: nothing once it has ended. */
export function heldBy(attempts: readonly AttemptRecord[], hasEnded: boolean): Record<ShareName, number> {
  const holder = hasEnded ? undefined : heldAttempt(attempts);
  const given = holder?.reserved ?? {};
  const there = attempts.filter(
    (one) =>
      one === holder || (one.remote_run_id !== undefined && one.remote_run_id === holder?.remote_run_id),
  );
  const used = spentBy(there);
  const left = (name: ShareName): number => Math.max(0, (given[name] ?? 0) - used[name]);
  return { tokens: left('tokens'), turns: left('turns'), wall_ms: left('wall_ms') };
}

/** What is left of a run's own budget for its next attempt; undefined where it has none. */
export function ownLeft(
  { max_tokens, max_turns }: Pick<RunSpec, 'max_tokens' | 'max_turns'>,
  attempts: readonly AttemptRecord[],
): { tokens: number | undefined; turns: number | undefined } {
  const used = spentBy(attempts);
  return {
    tokens: max_tokens === undefined ? undefined : max_tokens - used.tokens,
    turns: max_turns === undefined ? undefined : max_turns - used.turns,
  };
}

/** What was told of a worker's run, less what earlier attempts of the same have used: its own. */
export function usageSince(total: Usage, earlier: readonly (Usage | undefined)[]): Usage {
  const since = { ...total };
  for (const usage of earlier) {
    since.calls -= usage?.calls ?? 0;
    since.input_tokens -= usage?.input_tokens ?? 0;
    since.cached_input_tokens -= usage?.cached_input_tokens ?? 0;
    since.output_tokens -= usage?.output_tokens ?? 0;
    since.reasoning_tokens -= usage?.reasoning_tokens ?? 0;
  }
  return {
    calls: Math.max(0, since.calls),
    input_tokens: Math.max(0, since.input_tokens),
    cached_input_tokens: Math.max(0, since.cached_input_tokens),
    output_tokens: Math.max(0, since.output_tokens),
    reasoning_tokens: Math.max(0, since.reasoning_tokens),
  };
}

/** The end of an attempt as it is recorded: time that ran out was the task's where that gave less than the run's own. */
export function outcomeWithin(
  outcome: Outcome,
  reserved: Reserved | undefined,
  { wall_ms: own = Infinity }: Pick<RunSpec, 'wall_ms'>,
): Outcome {
  const given = reserved?.wall_ms;
  const isShare = outcome.kind === 'timeout' && outcome.wall_ms === given && given < own;
  return isShare ? { kind: 'limit', which: 'wall' } : outcome;
}

/** The stricter of two budgets, name by name. */
export function lowered(a: TaskBudget, b: TaskBudget): TaskBudget {
  const limits: TaskBudget = { ...a };
  for (const name of budgetNames) {
    const limit = Math.min(a[name] ?? Infinity, b[name] ?? Infinity);
    if (limit < Infinity) limits[name] = limit;
  }
  return limits;
}

/** What `asked` would raise of a task's budget: that can only be lowered. */
export function raisedBy(limits: TaskBudget, asked: TaskBudget): keyof TaskBudget | undefined {
  return budgetNames.find((name) => (asked[name] ?? 0) > (limits[name] ?? Infinity));
}
