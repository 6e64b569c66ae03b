import type { Recipes } from '../core/placement.ts';
import { budgetFloor, earned, newRetryBudget, taken } from '../core/retry-budget.ts';
import {
  afterAttempt,
  jitteredDelayMs,
  tallyOf,
  termsOf,
  type AttemptEnd,
  type Past,
} from '../core/retry.ts';
import type { Retry } from '../schemas/manifest.ts';
import type { Clock } from './clock.ts';
import type { OpenAttempt } from './fleet/open-attempts.ts';
import type { RateGates } from './rate-gates.ts';
import type { RunRecord } from './store/run-store.ts';

export type Next = { kind: 'end'; error?: string } | { kind: 'retry'; retry: Retry; not_before: number };

export interface Retries {
  /** What becomes of a run whose attempt ended without being what it was to be. */
  next(attempt: Pick<OpenAttempt, 'past' | 'gate' | 'wallShareMs'>, end: AttemptEnd, now: number): Next;
  /** An attempt went well. */
  succeeded(): void;
}

export interface RetryOptions {
  gates: Pick<RateGates, 'refused' | 'spent'>;
  clock: Pick<Clock, 'uptimeMs'>;
  /** Of the whole fleet. */
  slots: () => number;
  random: () => number;
}

export function pastOf(run: Pick<RunRecord, 'spec' | 'attempts'>, { here }: Pick<Recipes, 'here'>): Past {
  const { spec, attempts } = run;
  const pipeline = Object.hasOwn(here, spec.pipeline) ? here[spec.pipeline] : undefined;
  return { terms: termsOf(spec, pipeline?.read_only === true), tally: tallyOf(attempts) };
}

export function createRetries({ gates, clock, slots, random }: RetryOptions): Retries {
  let budget = newRetryBudget(budgetFloor(slots()), clock.uptimeMs());

  function delayOf(why: Retry['why'], resumes: boolean, { tally }: Past): number {
    // It waits for its worker in any case, and no load is added by going on.
    if (why === 'lost' && resumes) return 0;
    const spent = taken(budget, budgetFloor(slots()), clock.uptimeMs());
    budget = spent.budget;
    return Math.max(spent.waitMs, jitteredDelayMs(tally.lastDelayMs, random()));
  }
  function comeBackAt(gate: string, { outcome, retryAt }: AttemptEnd, now: number): number {
    const isSpent = outcome.kind === 'engine' && outcome.code === 'usageLimitExceeded';
    return isSpent && retryAt !== undefined
      ? gates.spent(gate, now, retryAt)
      : gates.refused(gate, now, retryAt);
  }
  return {
    next({ past, gate, wallShareMs }, end, now) {
      // The time of its task is spent: no other attempt would have more.
      if (end.outcome.kind === 'timeout' && end.outcome.wall_ms === wallShareMs) return { kind: 'end' };
      const verdict = afterAttempt(end, past.tally, past.terms);
      if (verdict.kind === 'end') return verdict;
      const { why, resumes } = verdict;
      const not_before =
        why === 'rate_limit' ? comeBackAt(gate ?? '', end, now) : now + delayOf(why, resumes, past);
      return { kind: 'retry', retry: { why, delay_ms: not_before - now, resumes }, not_before };
    },
    succeeded() {
      budget = earned(budget, budgetFloor(slots()));
    },
  };
}
