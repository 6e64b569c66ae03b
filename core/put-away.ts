import type { Outcome } from '../schemas/run.ts';

/**
 * Whether an attempt ended because its worker was told to end and put the run away: nothing went wrong,
 * so it counts for no failure, and the run goes on in the worker's next process.
 */
export function isPutAway(outcome: Outcome | undefined): boolean {
  return outcome?.kind === 'lost' && outcome.resumable && outcome.orderly === true;
}
