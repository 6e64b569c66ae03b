import { describe, expect, it } from 'vitest';
import { isStraggler, mayHedge, noWork, worked, type UnderWay } from '../../core/hedge.ts';
import { tellingAttempt } from '../../core/telling-attempt.ts';

const slow: UnderWay = {
  repeatable: true,
  works: true,
  alone: true,
  budgeted: false,
  elapsedMs: 1_000,
  typicalMs: 400,
  p95Ms: 900,
};

describe('whether a second attempt is worth it', () => {
  it.each([
    ['a run beyond what is usual', {}, true],
    ['one within twice what is typical', { typicalMs: 501 }, false],
    ['one that one in twenty exceeds', { p95Ms: 1_001 }, false],
    ['one exactly as long', { typicalMs: 500, p95Ms: 1_000 }, true],
    ['one that may not be repeated', { repeatable: false }, false],
    ['one that rests', { works: false }, false],
    ['one with a second attempt', { alone: false }, false],
    ['one with a share of a budget', { budgeted: true }, false],
    ['one of which nothing is known', { typicalMs: undefined }, false],
    ['one whose spread is unknown', { p95Ms: undefined }, false],
  ])('judges %s', (_what, change, expected) => {
    expect(isStraggler({ ...slow, ...change })).toBe(expected);
  });
});

describe('the share of second attempts', () => {
  const terms = { share: 0.05, slots: 2 };
  it('leaves a young fleet some', () => {
    expect(mayHedge(noWork, 0, terms)).toBe(true);
    expect(mayHedge({ all: 0, hedges: 5_999 }, 0, terms)).toBe(true);
    expect(mayHedge({ all: 0, hedges: 6_000 }, 0, terms)).toBe(false);
  });
  it('counts what those under way still take', () => {
    expect(mayHedge({ all: 200_000, hedges: 5_000 }, 4_999, terms)).toBe(true);
    expect(mayHedge({ all: 200_000, hedges: 5_000 }, 5_000, terms)).toBe(false);
  });
  it('is off at 0', () => {
    expect(mayHedge({ all: 1e6, hedges: 0 }, 0, { ...terms, share: 0 })).toBe(false);
  });
  it('counts the far past half', () => {
    expect(worked({ all: 36_000_000, hedges: 0 }, { all: 2_000, hedges: 1_000 })).toEqual({
      all: 18_001_000,
      hedges: 500,
    });
  });
});

describe('the attempt that tells how a run stands', () => {
  const [lost, won] = [{ ended_at: 5, superseded_by: 2 }, { ended_at: 5 }];
  it.each([
    ['none', [], undefined],
    ['the first under way', [{ at: 0 }, { at: 1 }], 0],
    ['the one left', [{ at: 0, ended_at: 3 }, { at: 1 }], 1],
    [
      'the winner',
      [
        { at: 0, ...lost },
        { at: 1, ...won },
      ],
      1,
    ],
    [
      'the first, where the second gave up before',
      [
        { at: 0, ended_at: 9 },
        { at: 1, ended_at: 4 },
      ],
      0,
    ],
    [
      'the latest of a run that was retried',
      [
        { at: 0, ended_at: 4 },
        { at: 1, ended_at: 4 },
      ],
      1,
    ],
  ])('is %s', (_what, attempts: { at: number; ended_at?: number; superseded_by?: number }[], expected) => {
    expect(tellingAttempt(attempts)?.at).toBe(expected);
  });
});
