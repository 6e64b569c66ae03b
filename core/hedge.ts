import type { Outcome } from '../schemas/run.ts';
import type { RunStatus } from '../schemas/run-words.ts';

/** One of the attempts under way, as it stands. */
export interface UnderWay {
  /** Its run may begin again although a process of it has run. */
  repeatable: boolean;
  /** It works: it neither rests nor asks, nor has it since it began. */
  works: boolean;
  /** No other attempt of its run is under way. */
  alone: boolean;
  /** It was given a share of a budget, which has nothing left for a second one. */
  budgeted: boolean;
  elapsedMs: number;
  /** What such runs take, ms; undefined where none has ended. */
  typicalMs: number | undefined;
  /** What 95 of 100 of them stay below, ms. */
  p95Ms: number | undefined;
}

/** Time that attempts held slots, ms. */
export interface Work {
  all: number;
  /** Of those that began beside another. */
  hedges: number;
}

export const noWork: Work = { all: 0, hedges: 0 };
/** So much of what each slot can do counts as done at the start. */
const floorMsPerSlot = 60_000;
/** Beyond this the past counts half, so that a long calm is no credit for a storm. */
const longWorkMs = 36_000_000;

/** When a second attempt is worth it, ms after the first began (Dean and Barroso, "The Tail at Scale"). */
export function hedgeAfterMs(typicalMs: number | undefined, p95Ms: number | undefined): number | undefined {
  return typicalMs === undefined || p95Ms === undefined ? undefined : Math.max(2 * typicalMs, p95Ms);
}

export function isStraggler(attempt: UnderWay): boolean {
  const { repeatable, works, alone, budgeted, elapsedMs } = attempt;
  if (!repeatable || !works || !alone || budgeted) return false;
  const afterMs = hedgeAfterMs(attempt.typicalMs, attempt.p95Ms);
  return afterMs !== undefined && elapsedMs >= afterMs;
}

/**
 * Whether one more hedge may begin: hedges have taken less than `share` of the time of all attempts,
 * where those under way count `dueMs` more, which is what they will likely still take. A fleet that has
 * just begun counts as having worked for a minute on every slot, so that it can hedge at all: at 4 slots
 * and a share of 0.05 that is 12 s. The last one to begin may exceed the share by its own length.
 */
export function mayHedge(
  work: Work,
  dueMs: number,
  { share, slots }: { share: number; slots: number },
): boolean {
  return work.hedges + dueMs < share * Math.max(work.all, slots * floorMsPerSlot);
}

/**
 * Whether an attempt that ends while another of its run is under way ends the run, too: it completed, or
 * its process ended by itself and is not to be tried again. What else befell it may spare the other.
 */
export function isFirstToFinish(
  end: { status: RunStatus; outcome: Outcome },
  retriesExits: boolean,
): boolean {
  if (end.status === 'completed') return true;
  return end.status === 'failed' && end.outcome.kind === 'exit' && !retriesExits;
}

export function worked(work: Work, more: Work): Work {
  const sum = { all: work.all + more.all, hedges: work.hedges + more.hedges };
  return sum.all > longWorkMs ? { all: sum.all / 2, hedges: sum.hedges / 2 } : sum;
}
