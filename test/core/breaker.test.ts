import fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterEnd, closedBreaker, longestOpenMs, phaseOf, type Breaker } from '../../core/breaker.ts';

function after(ends: readonly boolean[], from = closedBreaker, nowMs = 0): Breaker {
  return ends.reduce((breaker, failed) => afterEnd(breaker, { failed, probe: false, nowMs }), from);
}
const fails = (count: number): boolean[] => Array.from({ length: count }, () => true);
const goods = (count: number): boolean[] => Array.from({ length: count }, () => false);

test('opens at five ends in a minute of which more than half are failures', () => {
  expect(phaseOf(after(fails(4)), 0)).toBe('closed');
  expect(phaseOf(after(fails(5)), 0)).toBe('open');
  expect(phaseOf(after([...goods(3), ...fails(3)]), 0)).toBe('closed');
  expect(phaseOf(after([...goods(3), ...fails(4)]), 0)).toBe('open');
  expect(phaseOf(after(fails(1), after(fails(4)), 61_000), 61_000)).toBe('closed');
});

test('lets one try after 15 s, then after twice as long each time, at most 5 minutes; and closes when it goes well', () => {
  let breaker = after(fails(5));
  let nowMs = 0;
  const waits: number[] = [];
  for (let n = 0; n < 7; n++) {
    const forMs = breaker.open?.forMs ?? 0;
    waits.push(forMs);
    expect(phaseOf(breaker, nowMs + forMs - 1)).toBe('open');
    nowMs += forMs;
    expect(phaseOf(breaker, nowMs)).toBe('half_open');
    expect(afterEnd(breaker, { failed: false, probe: false, nowMs })).toBe(breaker);
    breaker = afterEnd(breaker, { failed: true, probe: true, nowMs });
  }
  expect(waits).toEqual([15_000, 30_000, 60_000, 120_000, 240_000, longestOpenMs, longestOpenMs]);
  expect(phaseOf(afterEnd(breaker, { failed: false, probe: true, nowMs }), nowMs)).toBe('closed');
});

test('never opens over successes, and forgets what is older than its window', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20_000), { maxLength: 60 }), (gaps) => {
      let nowMs = 0;
      let breaker = closedBreaker;
      for (const gap of gaps) {
        nowMs += gap;
        breaker = afterEnd(breaker, { failed: false, probe: false, nowMs });
        expect(breaker.ends.every(({ fromMs }) => nowMs - fromMs < 60_000)).toBe(true);
        expect(breaker.ends.length).toBeLessThanOrEqual(12);
      }
      expect(phaseOf(breaker, nowMs)).toBe('closed');
    }),
  );
});
