import { failureOf, type Failure } from '../../../core/failure.ts';
import type { Outcome } from '../../../schemas/run.ts';
import type { EngineEnd, EngineSession } from '../engines/engine.ts';

/** Why we ended a stage. */
export type Cause = Parameters<EngineSession['end']>[0];

/** What becomes of a run after one of its stages. */
export type Verdict =
  | { kind: 'next' }
  /** The stage failed, and the pipeline goes on all the same. */
  | { kind: 'failed'; outcome: Outcome }
  /** The session is over, its thread can go on later. */
  | { kind: 'suspended' }
  /** It broke off, and can go on where it was. */
  | { kind: 'interrupted' }
  | { kind: 'over'; outcome: Outcome };

export interface Judged {
  /** What the worker had asked of the stage, where it had. */
  cause: Cause | undefined;
  stopOnFailure: boolean;
  /** Another attempt can begin where this one broke off. */
  resumable: boolean;
  /** None may follow, but for a rate limit, which is no failure of the run. */
  isLast: boolean;
}

/** What breaks off a stage, and would not break off the next try of it. */
function isPassing(failure: Failure | undefined): boolean {
  return failure === 'engine' || failure === 'provider';
}

export function judge(
  { outcome, retry_at: retryAt }: EngineEnd,
  { cause, stopOnFailure, resumable, isLast }: Judged,
): Verdict {
  const failure = failureOf(outcome, retryAt);
  if (resumable && cause === undefined && (failure === 'rate_limit' || (!isLast && isPassing(failure))))
    return { kind: 'interrupted' };
  switch (outcome.kind) {
    case 'exit':
      if (outcome.code === 0) return { kind: 'next' };
      break;
    case 'lost':
      if (!outcome.resumable) return { kind: 'over', outcome };
      // A pause was under way when the run was cancelled or ran out of something: that is its end.
      return cause === undefined || cause.kind === 'lost'
        ? { kind: 'suspended' }
        : { kind: 'over', outcome: cause };
    case 'cancelled':
    case 'timeout':
    case 'limit':
      return { kind: 'over', outcome };
    case 'signal':
    case 'spawn':
    case 'engine':
      break;
  }
  return { kind: stopOnFailure ? 'over' : 'failed', outcome };
}
