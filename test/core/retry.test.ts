import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureOf, isWorkerFault } from '../../core/failure.ts';
import { budgetFloor, earned, newRetryBudget, taken } from '../../core/retry-budget.ts';
import {
  afterAttempt,
  baseDelayMs,
  jitteredDelayMs,
  longestDelayMs,
  tallyOf,
  termsOf,
  type AttemptEnd,
  type RetryTerms,
  type Tally,
} from '../../core/retry.ts';
import { runSpec, type Outcome } from '../../schemas/run.ts';

const spec = runSpec.parse({ pipeline: 'p', task_id: 't', cwd: '/x', inputs: {}, ask: false });
const careful: RetryTerms = { repeatable: false, onExit: false, maxAttempts: 3 };
const repeatable: RetryTerms = { ...careful, repeatable: true };
const fresh: Tally = { used: 0, deaths: 0, lastDelayMs: undefined, failedOn: [] };
const engine = (code: string): Outcome => ({ kind: 'engine', code, message: '' });
const lost: Outcome = { kind: 'lost', resumable: false };
const orderly: Outcome = { kind: 'lost', resumable: true, orderly: true };
const ended = (outcome: Outcome, resumable = false, retryAt?: number): AttemptEnd => ({
  outcome,
  resumable,
  retryAt,
});

describe('after an attempt', () => {
  test.each<[string, AttemptEnd, RetryTerms, 'end' | 'again' | 'on']>([
    ['a start that failed', ended({ kind: 'spawn', errno: 'EAGAIN' }), careful, 'again'],
    ['a rate limit', ended(engine('rateLimitExceeded'), true), careful, 'on'],
    ['a usage limit with an end', ended(engine('usageLimitExceeded'), true, 9), careful, 'on'],
    ['a usage limit without one', ended(engine('usageLimitExceeded'), true), repeatable, 'end'],
    ['a lost worker, thread known', ended(lost, true), careful, 'on'],
    ['a lost worker', ended(lost), careful, 'end'],
    ['a lost worker, repeatable', ended(lost), repeatable, 'again'],
    ['an engine crash, thread known', ended(engine('process_ended'), true), careful, 'on'],
    ['an engine crash', ended(engine('process_ended')), careful, 'end'],
    ['an engine crash, repeatable', ended(engine('process_ended')), repeatable, 'again'],
    ['a signal', ended({ kind: 'signal', signal: 'SIGKILL' }), careful, 'end'],
    ['a timeout', ended({ kind: 'timeout', wall_ms: 1 }), careful, 'end'],
    ['a timeout, repeatable', ended({ kind: 'timeout', wall_ms: 1 }), repeatable, 'again'],
    ['an exit', ended({ kind: 'exit', code: 1 }), repeatable, 'end'],
    ['an exit, asked for', ended({ kind: 'exit', code: 1 }), { ...careful, onExit: true }, 'again'],
    ['a success', ended({ kind: 'exit', code: 0 }), { ...repeatable, onExit: true }, 'end'],
    ['a limit of ours', ended({ kind: 'limit', which: 'output' }), repeatable, 'end'],
    ['a cancel', ended({ kind: 'cancelled' }), repeatable, 'end'],
    ['a mistake of the run', ended(engine('unauthorized'), true), repeatable, 'end'],
  ])('%s', (_what, end, terms, expected) => {
    const verdict = afterAttempt(end, fresh, terms);
    const told = verdict.kind === 'end' ? 'end' : verdict.resumes ? 'on' : 'again';
    expect(told).toBe(expected);
  });

  test('ends at the last attempt, which rate limits and orderly ends do not bring nearer', () => {
    const last = { ...fresh, used: 2 };
    expect(afterAttempt(ended(engine('process_ended'), true), last, careful)).toEqual({
      kind: 'end',
      error: 'It was tried 3 times.',
    });
    expect(afterAttempt(ended(engine('rateLimitExceeded'), true), last, careful).kind).toBe('retry');
    expect(afterAttempt(ended(orderly, true), { ...last, deaths: 1 }, careful).kind).toBe('retry');
    expect(afterAttempt(ended(lost), fresh, { ...repeatable, maxAttempts: 1 })).toEqual({ kind: 'end' });
  });

  test('ends a run under which a second worker dies', () => {
    const once = { ...fresh, used: 1, deaths: 1 };
    const many = { ...careful, maxAttempts: 10 };
    expect(afterAttempt(ended(lost, true), once, many)).toMatchObject({ kind: 'end' });
    expect(afterAttempt(ended(engine('process_ended'), true), once, many).kind).toBe('retry');
  });

  test('knows what a run has behind it', () => {
    const placement = { policy: '', why: '', next: [], rejected: {} };
    const on = (worker_id: string) => ({ placement: { ...placement, worker_id } });
    const again = (why: 'engine' | 'rate_limit' | 'spawn', delay_ms: number, resumes = false) => ({
      retry: { why, delay_ms, resumes },
    });
    expect(
      tallyOf([
        { ...on('a'), outcome: { kind: 'spawn', errno: 'NO_CAPACITY' } },
        { ...on('b'), outcome: { kind: 'spawn', errno: 'EAGAIN' }, ...again('spawn', 700) },
        { ...on('c'), outcome: engine('rateLimitExceeded'), ...again('rate_limit', 900, true) },
        { ...on('d'), outcome: orderly },
        { ...on('e'), outcome: { ...lost, resumable: true } },
        on('f'),
      ]),
    ).toEqual({ used: 2, deaths: 1, lastDelayMs: 900, failedOn: ['b'] });
  });

  test('takes its terms from the run, and from its pipeline', () => {
    expect(termsOf(spec, false)).toEqual(careful);
    expect(termsOf(spec, true).repeatable).toBe(true);
    const own = { ...spec, idempotent: true, max_attempts: 7, retry_on_exit: true };
    expect(termsOf(own, false)).toEqual({ repeatable: true, onExit: true, maxAttempts: 7 });
  });

  test('a run of any luck has at most as many attempts as it may', () => {
    const outcomes = fc.constantFrom<Outcome>(
      { kind: 'spawn', errno: 'EAGAIN' },
      lost,
      engine('process_ended'),
      { kind: 'timeout', wall_ms: 1 },
      { kind: 'exit', code: 3 },
    );
    const terms = fc.record({
      repeatable: fc.boolean(),
      onExit: fc.boolean(),
      maxAttempts: fc.integer({ min: 1, max: 10 }),
    });
    fc.assert(
      fc.property(fc.array(outcomes, { minLength: 12, maxLength: 12 }), terms, (luck, allowed) => {
        const placement = { worker_id: 'w', policy: '', why: '', next: [], rejected: {} };
        const attempts: Parameters<typeof tallyOf>[0][number][] = [];
        for (const outcome of luck) {
          const verdict = afterAttempt(ended(outcome), tallyOf(attempts), allowed);
          if (verdict.kind === 'end') break;
          const retry = { why: verdict.why, delay_ms: 1, resumes: verdict.resumes };
          attempts.push({ placement, outcome, retry });
        }
        expect(attempts.length + 1).toBeLessThanOrEqual(allowed.maxAttempts);
        expect(tallyOf(attempts).deaths).toBeLessThan(2);
      }),
    );
  });
});

describe('the jitter', () => {
  test('lies between the base and three times the wait before, within the cap', () => {
    expect(jitteredDelayMs(undefined, 0)).toBe(500);
    expect(jitteredDelayMs(undefined, 0.5)).toBe(1_000);
    expect(jitteredDelayMs(2_000, 1 - 1e-9)).toBe(6_000);
    expect(jitteredDelayMs(20_000, 1 - 1e-9)).toBe(30_000);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (last, random) => {
          const delay = jitteredDelayMs(last, random);
          expect(delay).toBeGreaterThanOrEqual(baseDelayMs);
          expect(delay).toBeLessThanOrEqual(Math.min(longestDelayMs, Math.max(baseDelayMs, 3 * last)));
        },
      ),
    );
  });
});

describe('the retry budget', () => {
  test('gives its floor at once, then only as fast as it fills, and more where much goes well', () => {
    let budget = newRetryBudget(10, 0);
    const waits = Array.from({ length: 12 }, () => {
      const next = taken(budget, 10, 0);
      budget = next.budget;
      return next.waitMs;
    });
    expect(waits).toEqual([...Array.from({ length: 10 }, () => 0), 6_000, 12_000]);
    expect(taken(budget, 10, 60_000).waitMs).toBe(0);
    for (let n = 0; n < 40; n++) budget = earned(budget, 10);
    expect(taken(budget, 10, 0).waitMs).toBe(0);
  });

  test('puts no retry off for longer than it says, and lets no more pass sooner than it can pay for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 500 }), (slots, stepMs) => {
        const floor = budgetFloor(slots);
        let budget = newRetryBudget(floor, 0);
        let within = 0;
        let longest = 0;
        for (let now = 0; now < longestDelayMs; now += stepMs) {
          const next = taken(budget, floor, now);
          budget = next.budget;
          longest = Math.max(longest, next.waitMs);
          if (now + next.waitMs < longestDelayMs) within++;
        }
        expect(longest).toBeLessThanOrEqual(longestDelayMs);
        expect(within).toBeLessThanOrEqual(1.5 * floor + 1);
      }),
    );
  });
});

describe('a failure', () => {
  test('is the worker’s only where it is', () => {
    expect(isWorkerFault(lost)).toBe(true);
    expect(isWorkerFault(orderly)).toBe(false);
    expect(isWorkerFault({ kind: 'spawn', errno: 'EAGAIN' })).toBe(true);
    expect(isWorkerFault({ kind: 'spawn', errno: 'ENOENT' })).toBe(false);
    expect(isWorkerFault(engine('process_ended'))).toBe(true);
    expect(isWorkerFault(engine('rateLimitExceeded'))).toBe(false);
    expect(isWorkerFault(engine('httpConnectionFailed'))).toBe(false);
    expect(isWorkerFault({ kind: 'exit', code: 1 })).toBe(false);
  });

  test('of the provider may pass', () => {
    expect(failureOf(engine('serverOverloaded'))).toBe('provider');
    expect(failureOf(engine('contextWindowExceeded'))).toBe('final');
  });
});
