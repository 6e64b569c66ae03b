import { longestDelayMs } from './retry.ts';

/** What a fleet may repeat, in retries: below 0 as many are owed, and the next one waits. */
export interface RetryBudget {
  left: number;
  /** When `left` was right; ms. */
  atMs: number;
}

/** A tenth of what goes well may be repeated. */
const earnedBySuccess = 0.1;
/** However little goes well: as many at once, and as many again each minute. */
const leastFloor = 10;
const floorPeriodMs = 60_000;

/** By the size of the fleet: that many retries are no storm. */
export function budgetFloor(slots: number): number {
  return Math.max(leastFloor, 2 * slots);
}

export function newRetryBudget(floor: number, nowMs: number): RetryBudget {
  return { left: floor, atMs: nowMs };
}

/** Successes save up for twice the floor at most: a storm after a long calm is a storm all the same. */
export function earned(budget: RetryBudget, floor: number): RetryBudget {
  return { ...budget, left: Math.min(2 * floor, budget.left + earnedBySuccess) };
}

/**
 * Takes one retry out. It is never refused, but waits until the floor has paid for it, `longestDelayMs` at
 * most: how often a run is tried at all is bounded by its own attempts.
 */
export function taken(
  budget: RetryBudget,
  floor: number,
  nowMs: number,
): { budget: RetryBudget; waitMs: number } {
  const passedMs = Math.max(0, nowMs - budget.atMs);
  const refilled = budget.left + (floor * passedMs) / floorPeriodMs;
  // What is saved beyond the floor was earned, and does not grow by waiting.
  const kept = Math.max(budget.left, Math.min(floor, refilled)) - 1;
  const left = Math.max(kept, (-floor * longestDelayMs) / floorPeriodMs);
  const waitMs = left >= 0 ? 0 : Math.ceil((-left * floorPeriodMs) / floor);
  return { budget: { left, atMs: nowMs }, waitMs };
}
