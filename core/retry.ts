import type { AttemptRecord, Retry } from '../schemas/manifest.ts';
import type { Outcome, RunSpec } from '../schemas/run.ts';
import { failureOf } from './failure.ts';

export const defaultMaxAttempts = 3;
/** Under more than one worker a run has died often enough to be the cause. */
export const maxDeaths = 2;
export const baseDelayMs = 500;
/** A lease: longer than that no run waits for its next attempt, whatever it waits it out for. */
export const longestDelayMs = 30_000;

/** What a run allows. */
export interface RetryTerms {
  /** It may begin again although a process of it has run. */
  repeatable: boolean;
  onExit: boolean;
  maxAttempts: number;
}

/** What a run has behind it. */
export interface Tally {
  /** Attempts that count against `maxAttempts`. */
  used: number;
  /** Workers that died under it. */
  deaths: number;
  lastDelayMs: number | undefined;
  /** Workers that failed it, other than by ending in order. */
  failedOn: readonly string[];
}

/** What decides over another attempt of a run. */
export interface Past {
  terms: RetryTerms;
  tally: Tally;
}

export type Verdict =
  /** `error` where the outcome alone does not say why it is the end. */
  { kind: 'end'; error?: string } | { kind: 'retry'; why: Retry['why']; resumes: boolean };

export interface AttemptEnd {
  outcome: Outcome;
  /** Its engine's thread is kept, and can go on where it was. */
  resumable: boolean;
  /** When the provider said that its limit ends; ms since the epoch. */
  retryAt: number | undefined;
}

export function termsOf(spec: RunSpec, readOnly: boolean): RetryTerms {
  return {
    repeatable: readOnly || spec.idempotent === true,
    onExit: spec.retry_on_exit === true,
    maxAttempts: spec.max_attempts ?? defaultMaxAttempts,
  };
}

type Ended = Pick<AttemptRecord, 'outcome' | 'retry' | 'placement'>;

/** Of the attempts of a run that are over. */
export function tallyOf(attempts: readonly Ended[]): Tally {
  const over = attempts.filter(isOver);
  const failed = over.filter(({ outcome, retry }) => counts(outcome, retry));
  return {
    used: failed.length,
    deaths: over.filter(({ outcome }) => isDeath(outcome)).length,
    lastDelayMs: over.findLast(({ retry }) => retry !== undefined)?.retry?.delay_ms,
    failedOn: [...new Set(failed.filter(isOfWorker).map(({ placement }) => placement.worker_id))],
  };
}

/**
 * Whether a run goes on after an attempt that failed. What may have had effects is resumed where its
 * thread is known, repeated only where the run allows it, and else over.
 */
export function afterAttempt(end: AttemptEnd, tally: Tally, terms: RetryTerms): Verdict {
  const { outcome, resumable } = end;
  const why = failureOf(outcome, end.retryAt);
  if (why === undefined || why === 'final') return { kind: 'end' };
  if (why === 'rate_limit') return { kind: 'retry', why, resumes: resumable };
  if (!mayGoOn(why, resumable, terms)) return { kind: 'end' };
  const resumes = resumable && why !== 'timeout' && why !== 'exit';
  if (isOrderly(outcome)) return { kind: 'retry', why, resumes };
  if (isDeath(outcome) && tally.deaths + 1 >= maxDeaths) {
    return { kind: 'end', error: `${String(maxDeaths)} workers died under it.` };
  }
  const used = tally.used + 1;
  if (used >= terms.maxAttempts) {
    return used === 1 ? { kind: 'end' } : { kind: 'end', error: `It was tried ${String(used)} times.` };
  }
  return { kind: 'retry', why, resumes };
}

/**
 * Decorrelated jitter: between the base and three times the wait before, at most `longestDelayMs`
 * (Brooker, "Exponential Backoff And Jitter"). `random` lies in [0, 1).
 */
export function jitteredDelayMs(lastDelayMs: number | undefined, random: number): number {
  const most = Math.max(baseDelayMs, 3 * (lastDelayMs ?? baseDelayMs));
  return Math.round(Math.min(longestDelayMs, baseDelayMs + random * (most - baseDelayMs)));
}

function mayGoOn(why: Retry['why'], resumable: boolean, terms: RetryTerms): boolean {
  switch (why) {
    case 'spawn':
    case 'rate_limit':
      return true;
    case 'lost':
    case 'engine':
    case 'provider':
      return resumable || terms.repeatable;
    case 'timeout':
      return terms.repeatable;
    case 'exit':
      return terms.onExit;
  }
}

function isOver(attempt: Ended): attempt is Ended & { outcome: Outcome } {
  return attempt.outcome !== undefined;
}

/** A refused start never began, and a limit, an orderly end or a cancelled hedge is nobody's failure. */
function counts(outcome: Outcome, retry: Retry | undefined): boolean {
  if (outcome.kind === 'spawn') return retry !== undefined;
  if (outcome.kind === 'cancelled') return false;
  return retry?.why !== 'rate_limit' && !isOrderly(outcome);
}

function isOfWorker({ retry }: Ended): boolean {
  return retry !== undefined && retry.why !== 'provider' && !retry.resumes;
}

function isDeath(outcome: Outcome | undefined): boolean {
  return outcome?.kind === 'lost' && outcome.orderly !== true;
}

function isOrderly(outcome: Outcome): boolean {
  return outcome.kind === 'lost' && outcome.orderly === true;
}
