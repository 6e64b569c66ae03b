import { needKey, type Need } from './placement.ts';

export interface QueuedRun {
  run_id: string;
  /** Place in the order of arrival; a run that comes back keeps its own. */
  order: number;
  need: Need;
}

/** Runs with the same need, by order. What was removed stays in the array until it comes to the front. */
interface Line<T> {
  runs: T[];
  head: number;
}

export interface RunQueue<T extends QueuedRun> {
  readonly size: number;
  push(run: T): void;
  has(runId: string): boolean;
  get(runId: string): T | undefined;
  remove(runId: string): T | undefined;
  /**
   * Takes out, first come first served, every run `place` has an answer for. Runs with the same need
   * as one that has none are passed over, so that the cost does not grow with what waits.
   */
  take<A>(place: (run: T) => A | undefined): A[];
}

const compactAfter = 1024;

/** The runs that wait for a slot, in memory; what must not be lost is in the store. */
export function createRunQueue<T extends QueuedRun>(): RunQueue<T> {
  const waiting = new Map<string, T>();
  const lines = new Map<string, Line<T>>();

  function front(line: Line<T>): T | undefined {
    for (; line.head < line.runs.length; line.head++) {
      const run = line.runs[line.head];
      if (run !== undefined && waiting.get(run.run_id) === run) return run;
    }
    return undefined;
  }
  function earliest(open: ReadonlyMap<string, Line<T>>): { key: string; run: T } | undefined {
    let found: { key: string; run: T } | undefined;
    for (const [key, line] of open) {
      const run = front(line);
      if (run !== undefined && (found === undefined || run.order < found.run.order)) found = { key, run };
    }
    return found;
  }
  function tidy(): void {
    for (const [key, line] of lines) {
      if (front(line) === undefined) lines.delete(key);
      else if (line.head > compactAfter && line.head * 2 > line.runs.length) {
        line.runs = line.runs.slice(line.head);
        line.head = 0;
      }
    }
  }
  return {
    get size() {
      return waiting.size;
    },
    push(run) {
      const key = needKey(run.need);
      const line = lines.get(key) ?? { runs: [], head: 0 };
      lines.set(key, line);
      line.runs.splice(insertionPoint(line, run.order), 0, run);
      waiting.set(run.run_id, run);
    },
    has: (runId) => waiting.has(runId),
    get: (runId) => waiting.get(runId),
    remove(runId) {
      const run = waiting.get(runId);
      waiting.delete(runId);
      return run;
    },
    take(place) {
      const taken = [];
      const open = new Map(lines);
      for (let next = earliest(open); next !== undefined; next = earliest(open)) {
        const answer = place(next.run);
        if (answer === undefined) {
          open.delete(next.key);
          continue;
        }
        waiting.delete(next.run.run_id);
        taken.push(answer);
      }
      tidy();
      return taken;
    },
  };
}

/** By binary search behind `head`; at the end for all but runs that come back. */
function insertionPoint({ runs, head }: Line<QueuedRun>, order: number): number {
  let low = head;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((runs[middle]?.order ?? 0) <= order) low = middle + 1;
    else high = middle;
  }
  return low;
}
