import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRunQueue, share, type LaneFacts, type QueuedRun, type RunQueue } from '../../core/queue.ts';

function run(order: number, more: Partial<QueuedRun> & { pipeline?: string } = {}): QueuedRun {
  const { pipeline = 'p', ...rest } = more;
  return {
    run_id: `run-${String(order)}`,
    order,
    need: { pipeline, engines: [], worker_id: undefined, in_project: false, labels: [] },
    lane: 'lane',
    priority: 0,
    queued_at: order,
    estimate_ms: undefined,
    length: 0,
    ...rest,
  };
}

/** A queue that counts what it gives away as under way until `end`. */
function busyQueue(weights: Record<string, number> = {}) {
  const running = new Map<string, number>();
  const facts: LaneFacts = {
    weight: (lane) => weights[lane] ?? 1,
    running: (lane) => running.get(lane) ?? 0,
  };
  const queue = createRunQueue<QueuedRun>(facts);
  const change = (lane: string, by: number): void => {
    running.set(lane, facts.running(lane) + by);
    queue.touch(lane);
  };
  return {
    queue,
    facts,
    begin(one: QueuedRun): QueuedRun {
      change(one.lane, 1);
      return one;
    },
    end: (lane: string) => {
      change(lane, -1);
    },
  };
}

/** The first `count` runs, each begun as it is taken. */
function take({ queue, begin }: ReturnType<typeof busyQueue>, count: number): QueuedRun[] {
  let left = count;
  return queue.take((one) => (left-- > 0 ? begin(one) : undefined));
}

function idle(): RunQueue<QueuedRun> {
  return createRunQueue<QueuedRun>({ weight: () => 1, running: () => 0 });
}

describe('the queue of runs', () => {
  it('gives runs of a lane in order, whatever they need, until nobody takes them', () => {
    const queue = idle();
    for (const one of [run(1), run(2, { pipeline: 'q' }), run(3), run(4, { pipeline: 'q' })]) queue.push(one);
    expect(queue.take((one) => (one.order <= 3 ? one.order : undefined))).toEqual([1, 2, 3]);
    expect(queue.size).toBe(1);
  });

  it('passes over what needs the same as a run nobody takes, and asks for it once', () => {
    const queue = idle();
    for (let order = 1; order <= 1000; order++) {
      queue.push(run(order, { pipeline: order % 2 === 0 ? 'even' : 'odd' }));
    }
    const asked: number[] = [];
    const taken = queue.take((one) => {
      asked.push(one.order);
      return one.need.pipeline === 'even' && one.order < 5 ? one.order : undefined;
    });
    expect(taken).toEqual([2, 4]);
    expect(asked).toEqual([1, 2, 4, 6]);
  });

  it('puts a run that comes back at its old place', () => {
    const queue = idle();
    for (const one of [run(1), run(2), run(3)]) queue.push(one);
    const [first] = queue.take((one) => (one.order === 1 ? one : undefined));
    if (first !== undefined) queue.push(first);
    expect(queue.take((one) => one.order)).toEqual([1, 2, 3]);
  });

  it('takes the longest first of runs that came together, and only of those', () => {
    const queue = idle();
    queue.push(run(1, { queued_at: 5, estimate_ms: 10 }));
    queue.push(run(2, { queued_at: 5, estimate_ms: 900 }));
    queue.push(run(3, { queued_at: 5, estimate_ms: 40 }));
    queue.push(run(4, { queued_at: 6, estimate_ms: 9_000 }));
    expect(queue.take((one) => one.order)).toEqual([2, 3, 1, 4]);
  });

  it('counts waiting as urgency: 100 points are a minute', () => {
    const queue = idle();
    queue.push(run(1, { queued_at: 0 }));
    queue.push(run(2, { queued_at: 59_000, priority: 100 }));
    queue.push(run(3, { queued_at: 61_000, priority: 100 }));
    expect(queue.take((one) => one.order)).toEqual([2, 1, 3]);
  });

  it('knows whether a long run keeps shorter ones waiting that have a better claim', () => {
    const busy = busyQueue();
    const long = run(1, { queued_at: 1, length: 2 });
    busy.queue.push(long);
    expect(busy.queue.keepsShorterWaiting(long)).toBe(false);
    busy.queue.push(run(2, { queued_at: 1 }));
    expect(busy.queue.keepsShorterWaiting(long)).toBe(false);
    busy.queue.push(run(3, { queued_at: 2, pipeline: 'q', length: 1 }));
    expect(busy.queue.keepsShorterWaiting(long)).toBe(true);
    busy.queue.remove('run-3');
    busy.queue.push(run(4, { queued_at: 2, pipeline: 'q', lane: 'other' }));
    expect(busy.queue.keepsShorterWaiting(long)).toBe(true);
    busy.begin(run(5, { lane: 'other' }));
    expect(busy.queue.keepsShorterWaiting(long)).toBe(false);
  });

  it('lets those choose first who have nowhere else to go', () => {
    const queue = idle();
    queue.push(run(1));
    queue.push(run(2, { pipeline: 'rare' }));
    expect(queue.take((one) => one.order, { isScarce: (need) => need.pipeline === 'rare' })).toEqual([2, 1]);
  });

  it('forgets what was taken, also after thousands', () => {
    const queue = idle();
    for (let order = 1; order <= 5000; order++) queue.push(run(order));
    for (let round = 0; round < 100; round++) {
      let left = 49;
      expect(queue.take((one) => (left-- > 0 ? one.order : undefined))[0]).toBe(round * 49 + 1);
    }
    expect(queue.size).toBe(100);
    expect(queue.take((one) => one.order).at(-1)).toBe(5000);
  });
});

describe('lanes', () => {
  it("never let one task's flood stand before another's single run", () => {
    const busy = busyQueue();
    for (let order = 1; order <= 500; order++) busy.queue.push(run(order, { lane: 'flood' }));
    expect(take(busy, 8)).toHaveLength(8);
    busy.queue.push(run(501, { lane: 'quiet' }));
    busy.end('flood');
    expect(take(busy, 1)).toMatchObject([{ lane: 'quiet' }]);
    expect(busy.queue.turnsFor('quiet', 0)).toBe(0);
  });

  it.each<[string, Record<string, number>, number, [number, number]]>([
    ['share alike', {}, 0, [8, 8]],
    ['by weight', { b: 3 }, 0, [4, 12]],
    ['by priority: 100 points double', {}, 100, [5, 11]],
  ])('%s', (_name, weights, priority, expected) => {
    const busy = busyQueue(weights);
    for (let order = 1; order <= 40; order++) busy.queue.push(run(order, { lane: 'a' }));
    for (let order = 41; order <= 80; order++) busy.queue.push(run(order, { lane: 'b', priority }));
    const taken = take(busy, 16);
    expect(['a', 'b'].map((lane) => taken.filter((one) => one.lane === lane).length)).toEqual(expected);
  });

  it('tell how many runs come before one, each lane having its share', () => {
    const busy = busyQueue({ heavy: 2 });
    for (let order = 1; order <= 10; order++) busy.queue.push(run(order, { lane: 'mine' }));
    for (let order = 11; order <= 13; order++) busy.queue.push(run(order, { lane: 'few' }));
    for (let order = 14; order <= 99; order++) busy.queue.push(run(order, { lane: 'heavy' }));
    expect(busy.queue.turnsFor('mine', 5)).toBe(5 + 3 + 10);
    expect(busy.queue.waitingIn('mine')).toBe(10);
  });
});

/** What the queue promises, said the slow way. */
class Model {
  readonly waiting = new Map<string, QueuedRun>();
  readonly running = new Map<string, number>();
  readonly servedAt = new Map<string, number>();
  #served = 0;

  next(): QueuedRun | undefined {
    const heads = [...new Set([...this.waiting.values()].map((one) => one.lane))].flatMap((lane) => {
      const groups = new Map<string, QueuedRun[]>();
      for (const one of this.waiting.values()) {
        if (one.lane === lane) {
          groups.set(one.need.pipeline, [...(groups.get(one.need.pipeline) ?? []), one]);
        }
      }
      return [...groups.values()].flatMap((runs) => runs.toSorted(inLane)[0] ?? []);
    });
    return heads.toSorted(
      (a, b) => this.#share(a) - this.#share(b) || this.#served_(a) - this.#served_(b) || inLane(a, b),
    )[0];
  }

  begin(one: QueuedRun): void {
    this.waiting.delete(one.run_id);
    this.running.set(one.lane, (this.running.get(one.lane) ?? 0) + 1);
    this.servedAt.set(one.lane, ++this.#served);
    // A lane that is empty is forgotten, and with it when it was served.
    if (![...this.waiting.values()].some((other) => other.lane === one.lane)) this.servedAt.delete(one.lane);
  }

  #share({ lane, priority }: QueuedRun): number {
    return share(this.running.get(lane) ?? 0, 1, priority);
  }

  #served_({ lane }: QueuedRun): number {
    return this.servedAt.get(lane) ?? 0;
  }
}

function inLane(a: QueuedRun, b: QueuedRun): number {
  return (
    a.queued_at - a.priority * 600 - (b.queued_at - b.priority * 600) ||
    (b.estimate_ms ?? 0) - (a.estimate_ms ?? 0) ||
    a.order - b.order
  );
}

interface Real {
  busy: ReturnType<typeof busyQueue>;
}
type Step = fc.Command<Model, Real>;

const push = fc
  .record({
    order: fc.integer({ min: 1, max: 400 }),
    lane: fc.constantFrom('a', 'b', 'c'),
    pipeline: fc.constantFrom('p', 'q'),
    priority: fc.constantFrom(0, 0, 100, -50),
    at: fc.integer({ min: 0, max: 120_000 }),
    estimate: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  })
  .map(({ order, lane, pipeline, priority, at, estimate }): Step => {
    const one = run(order, { lane, pipeline, priority, queued_at: at, estimate_ms: estimate });
    return {
      check: (model) => !model.waiting.has(one.run_id),
      run(model, { busy }) {
        model.waiting.set(one.run_id, one);
        busy.queue.push(one);
        expect(busy.queue.get(one.run_id)).toBe(one);
      },
      toString: () => `push ${JSON.stringify(one)}`,
    };
  });
const remove = fc.integer({ min: 1, max: 400 }).map((order): Step => {
  const id = `run-${String(order)}`;
  return {
    check: () => true,
    run(model, { busy }) {
      const lane = model.waiting.get(id)?.lane;
      expect(busy.queue.remove(id)?.run_id).toBe(model.waiting.get(id)?.run_id);
      model.waiting.delete(id);
      if (lane !== undefined && ![...model.waiting.values()].some((other) => other.lane === lane)) {
        model.servedAt.delete(lane);
      }
    },
    toString: () => `remove ${id}`,
  };
});
const takeSome = fc.integer({ min: 1, max: 4 }).map((count): Step => ({
  check: () => true,
  run(model, { busy }) {
    const expected: string[] = [];
    for (let left = count; left > 0; left--) {
      const next = model.next();
      if (next === undefined) break;
      model.begin(next);
      expected.push(next.run_id);
    }
    expect(take(busy, count).map((one) => one.run_id)).toEqual(expected);
  },
  toString: () => `take ${String(count)}`,
}));
const end = fc.constantFrom('a', 'b', 'c').map((lane): Step => ({
  check: (model) => (model.running.get(lane) ?? 0) > 0,
  run(model, { busy }) {
    model.running.set(lane, (model.running.get(lane) ?? 0) - 1);
    busy.end(lane);
  },
  toString: () => `end ${lane}`,
}));

const laneCount = 5;
const slotCount = 4;

describe('whatever is pushed, removed, taken and ended', () => {
  it('the queue does as the rules say', () => {
    fc.assert(
      fc.property(fc.commands([push, push, remove, takeSome, end], { maxCommands: 120 }), (commands) => {
        fc.modelRun(() => ({ model: new Model(), real: { busy: busyQueue() } }), commands);
      }),
      { numRuns: 200 },
    );
  });

  it('no run waits for ever, however many come after it: each lane has its turn', () => {
    const flood = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(flood, fc.constantFrom('a', 'e'), (lanes, mine) => {
        const busy = busyQueue();
        lanes.forEach((lane, at) => {
          busy.queue.push(run(at + 1, { lane }));
        });
        const ahead = busy.queue.waitingIn(mine);
        busy.queue.push(run(1_000, { lane: mine }));
        // New ones keep coming, each slot is given back as it was taken, in order.
        const under: string[] = [];
        for (let turn = 0; ; turn++) {
          const [taken] = take(busy, 1);
          if (taken?.run_id === 'run-1000') {
            expect(turn).toBeLessThanOrEqual((ahead + 1) * laneCount + slotCount);
            return;
          }
          under.push(taken?.lane ?? '');
          if (under.length === slotCount) busy.end(under.shift() ?? '');
          busy.queue.push(run(2_000 + turn, { lane: taken?.lane ?? 'a' }));
        }
      }),
      { numRuns: 100 },
    );
  });
});
