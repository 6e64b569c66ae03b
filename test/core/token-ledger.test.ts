import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addCounts, countedStretches, exactBytes, scaleUp } from '../../core/token-ledger.ts';

describe('countedStretches', () => {
  it('are all of a small output, and of any other apart, in order, from its beginning to its end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (bytes) => {
        const stretches = countedStretches(bytes);
        const counted = stretches.reduce((sum, { from, to }) => sum + to - from, 0);
        expect(counted).toBe(bytes <= exactBytes ? bytes : exactBytes);
        for (const [at, { from }] of stretches.entries()) {
          expect(from).toBeGreaterThanOrEqual(at === 0 ? 0 : (stretches[at - 1]?.to ?? 0));
        }
        expect(stretches.at(-1)?.to ?? 0).toBe(bytes);
      }),
    );
  });
});

describe('scaleUp', () => {
  it('says whether all was counted', () => {
    expect(scaleUp(10, { of: 40, counted: 40 })).toEqual({ tokens: 10, method: 'exact' });
    expect(scaleUp(10, { of: 400, counted: 40 })).toEqual({ tokens: 100, method: 'sampled' });
    expect(scaleUp(0, { of: 0, counted: 0 })).toEqual({ tokens: 0, method: 'exact' });
  });

  it('adds up to exact only of what is exact', () => {
    const [exact, sampled] = [scaleUp(1, { of: 1, counted: 1 }), scaleUp(1, { of: 2, counted: 1 })];
    expect(addCounts([exact, exact])).toEqual({ tokens: 2, method: 'exact' });
    expect(addCounts([exact, sampled])).toEqual({ tokens: 3, method: 'sampled' });
    expect(addCounts([])).toEqual({ tokens: 0, method: 'exact' });
  });
});
