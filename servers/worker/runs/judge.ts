import type { Outcome } from '../../../schemas/run.ts';
import type { EngineSession } from '../engines/engine.ts';

/** Why we ended a stage. */
export type Cause = Parameters<EngineSession['end']>[0];

/** What becomes of a run after one of its stages. */
export type Verdict =
  | { kind: 'next' }
  /** The stage failed, and the pipeline goes on all the same. */
  | { kind: 'failed'; outcome: Outcome }
  /** The session is over, its thread can go on later. */
  | { kind: 'suspended' }
  | { kind: 'over'; outcome: Outcome };

/** `cause`: what the worker had asked of the stage, where it had. */
export function judge(outcome: Outcome, cause: Cause | undefined, stopOnFailure: boolean): Verdict {
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
