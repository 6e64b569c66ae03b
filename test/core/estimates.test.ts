import { describe, expect, it } from 'vitest';
import { createEstimates } from '../../core/estimates.ts';
import { isFullOf, lengthOf } from '../../core/lengths.ts';

describe('estimates', () => {
  it('come from the closest kind that is known', () => {
    const estimates = createEstimates();
    estimates.observe(['here', 'anywhere'], 1_000);
    estimates.observe(['there', 'anywhere'], 4_000);
    expect(estimates.typical(['here', 'anywhere'])).toBeCloseTo(1_000);
    expect(estimates.typical(['elsewhere', 'anywhere'])).toBeCloseTo(2_000);
    expect(estimates.typical(['unknown'])).toBeUndefined();
  });

  it('follow what changes, and are not carried away by one straggler', () => {
    const estimates = createEstimates();
    for (let n = 0; n < 20; n++) estimates.observe(['k'], 100);
    estimates.observe(['k'], 100_000);
    expect(estimates.typical(['k'])).toBeLessThan(500);
    for (let n = 0; n < 40; n++) estimates.observe(['k'], 3_000);
    expect(estimates.typical(['k'])).toBeCloseTo(3_000, -2);
  });

  it('know how far times spread', () => {
    const estimates = createEstimates();
    for (let n = 0; n < 50; n++) {
      estimates.observe(['even'], 1_000);
      estimates.observe(['wild'], n % 2 === 0 ? 100 : 10_000);
    }
    expect(estimates.quantile(['even'], 'p95')).toBeCloseTo(1_000);
    expect(estimates.quantile(['wild'], 'p95')).toBeGreaterThan(10_000);
  });

  it('forget the kinds seen longest ago', () => {
    const estimates = createEstimates();
    for (let n = 0; n <= 10_000; n++) estimates.observe([`k${String(n)}`], 5);
    expect(estimates.typical(['k0'])).toBeUndefined();
    expect(estimates.typical(['k1'])).toBeCloseTo(5);
  });
});

describe('orders of length', () => {
  it.each([
    [undefined, 10, 0],
    [1_000, undefined, 0],
    [39, 10, 0],
    [41, 10, 1],
    [170, 10, 2],
    [1e9, 10, 3],
  ])('of %s ms where %s ms are typical', (estimate, typical, order) => {
    expect(lengthOf(estimate, typical)).toBe(order);
  });

  it('each have a share of the slots, the longest the least, and never none', () => {
    const inUse = (counts: number[]) => (least: number) => counts[least] ?? 0;
    expect(isFullOf(0, inUse([0, 100, 100, 100]), 100)).toBe(false);
    expect(isFullOf(1, inUse([0, 34, 0, 0]), 100)).toBe(false);
    expect(isFullOf(1, inUse([0, 35, 0, 0]), 100)).toBe(true);
    expect(isFullOf(3, inUse([0, 34, 9, 3]), 100)).toBe(true);
    expect(isFullOf(3, inUse([0, 0, 0, 0]), 2)).toBe(false);
  });
});
