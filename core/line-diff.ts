/** Lines two texts have in common: `length` of them, from line `a` of one and `b` of the other (from 0). */
export interface CommonRun {
  a: number;
  b: number;
  length: number;
}

/** Edits looked through before the search settles for the furthest point reached and begins anew there. */
const maxEdits = 400;

/**
 * The lines two texts share, in order: E. W. Myers, "An O(ND) Difference Algorithm and Its
 * Variations", 1986, greedy and forward. Lines are numbers: equal ones are equal. The fewest edits,
 * unless the texts differ by more than 400 in one place: then some runs may be missed, and time and
 * memory stay bounded.
 */
export function commonRuns(a: readonly number[], b: readonly number[]): CommonRun[] {
  const runs: CommonRun[] = [];
  let x = 0;
  let y = 0;
  while (x < a.length && y < b.length) {
    const found = search(a, b, x, y);
    for (const run of found.runs) {
      const last = runs.at(-1);
      if (last !== undefined && last.a + last.length === run.a && last.b + last.length === run.b) {
        last.length += run.length;
      } else runs.push(run);
    }
    [x, y] = [found.x, found.y];
  }
  return runs;
}

interface Reached {
  runs: CommonRun[];
  x: number;
  y: number;
}

function search(a: readonly number[], b: readonly number[], x0: number, y0: number): Reached {
  const [n, m] = [a.length - x0, b.length - y0];
  const limit = Math.min(n + m, maxEdits);
  const middle = limit + 1;
  const furthest = new Int32Array(2 * limit + 3);
  const trace: Int32Array[] = [];
  for (let edits = 0; ; edits += 1) {
    trace.push(furthest.slice());
    let best = { x: 0, y: 0 };
    for (let k = -edits; k <= edits; k += 2) {
      let x = stepFrom(furthest, middle, k, edits).start;
      while (x < n && x - k < m && x - k >= 0 && a[x0 + x] === b[y0 + x - k]) x += 1;
      furthest[middle + k] = x;
      const y = x - k;
      const isInside = x <= n && y <= m && y >= 0;
      if (isInside && x + y > best.x + best.y) best = { x, y };
    }
    const isEnd = best.x === n && best.y === m;
    if (isEnd || edits === limit) {
      return { runs: trackBack(trace, middle, edits, best, x0, y0), x: x0 + best.x, y: y0 + best.y };
    }
  }
}

/** How diagonal `k` is reached with one more edit: from which diagonal, and where on `k` that leads. */
function stepFrom(
  furthest: Int32Array,
  middle: number,
  k: number,
  edits: number,
): { from: number; start: number } {
  if (edits === 0) return { from: 0, start: 0 };
  const below = furthest[middle + k - 1] ?? 0;
  const above = furthest[middle + k + 1] ?? 0;
  const isInsertion = k === -edits || (k !== edits && below < above);
  return isInsertion ? { from: k + 1, start: above } : { from: k - 1, start: below + 1 };
}

function trackBack(
  trace: readonly Int32Array[],
  middle: number,
  edits: number,
  end: { x: number; y: number },
  x0: number,
  y0: number,
): CommonRun[] {
  const runs: CommonRun[] = [];
  let { x } = end;
  let k = end.x - end.y;
  for (let left = edits; left >= 0; left -= 1) {
    const before = trace[left];
    if (before === undefined) break;
    const { from, start } = stepFrom(before, middle, k, left);
    if (x > start) runs.push({ a: x0 + start, b: y0 + start - k, length: x - start });
    if (left === 0) break;
    x = before[middle + from] ?? 0;
    k = from;
  }
  return runs.reverse();
}
