import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonRuns } from '../../core/line-diff.ts';

/** Length of the longest common subsequence, by the textbook table. */
function longestCommon(a: readonly number[], b: readonly number[]): number {
  let row = Array.from({ length: b.length + 1 }, () => 0);
  for (const one of a) {
    const next = [0];
    for (const [at, other] of b.entries()) {
      next.push(one === other ? (row[at] ?? 0) + 1 : Math.max(row[at + 1] ?? 0, next[at] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

function check(a: readonly number[], b: readonly number[]): number {
  let [x, y, common] = [0, 0, 0];
  for (const run of commonRuns(a, b)) {
    expect(run.a).toBeGreaterThanOrEqual(x);
    expect(run.b).toBeGreaterThanOrEqual(y);
    expect(run.length).toBeGreaterThan(0);
    expect(a.slice(run.a, run.a + run.length)).toEqual(b.slice(run.b, run.b + run.length));
    [x, y] = [run.a + run.length, run.b + run.length];
    common += run.length;
  }
  return common;
}

describe('commonRuns', () => {
  it('finds as many common lines as there are', () => {
    const lines = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 60 });
    fc.assert(
      fc.property(lines, lines, (a, b) => {
        expect(check(a, b)).toBe(longestCommon(a, b));
      }),
      { numRuns: 500 },
    );
  });

  it('stays right, and quick, where texts differ beyond its bounds', () => {
    const a = Array.from({ length: 20_000 }, (_, at) => at);
    const b = a.map((line) => (line % 3 === 0 ? line : -line - 1));
    expect(check(a, b)).toBeGreaterThan(1_000);
    expect(
      check(
        a,
        a.map((line) => -line - 1),
      ),
    ).toBe(0);
  });
});
