import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRunQueue, type QueuedRun } from '../../core/queue.ts';

function run(order: number, pipeline = 'p'): QueuedRun {
  return {
    run_id: `run-${String(order)}`,
    order,
    need: { pipeline, engines: [], worker_id: undefined, in_project: false },
  };
}

describe('the queue of runs', () => {
  it('gives runs in order, whatever they need, until nobody takes them', () => {
    const queue = createRunQueue<QueuedRun>();
    for (const one of [run(1), run(2, 'q'), run(3), run(4, 'q')]) queue.push(one);
    expect(queue.take((one) => (one.order <= 3 ? one.order : undefined))).toEqual([1, 2, 3]);
    expect(queue.size).toBe(1);
  });

  it('passes over what needs the same as a run nobody takes, and asks for it once', () => {
    const queue = createRunQueue<QueuedRun>();
    for (let order = 1; order <= 1000; order++) queue.push(run(order, order % 2 === 0 ? 'even' : 'odd'));
    const asked: number[] = [];
    const taken = queue.take((one) => {
      asked.push(one.order);
      return one.need.pipeline === 'even' && one.order < 5 ? one.order : undefined;
    });
    expect(taken).toEqual([2, 4]);
    expect(asked).toEqual([1, 2, 4, 6]);
  });

  it('puts a run that comes back at its old place', () => {
    const queue = createRunQueue<QueuedRun>();
    for (const one of [run(1), run(2), run(3)]) queue.push(one);
    const [first] = queue.take((one) => (one.order === 1 ? one : undefined));
    if (first !== undefined) queue.push(first);
    expect(queue.take((one) => one.order)).toEqual([1, 2, 3]);
  });

  it('agrees with a sorted list, whatever is pushed, removed and taken', () => {
    const step = fc.record({
      what: fc.constantFrom('push' as const, 'remove' as const, 'take' as const),
      order: fc.integer({ min: 1, max: 3000 }),
      pipeline: fc.constantFrom('a', 'b'),
      count: fc.integer({ min: 0, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = createRunQueue<QueuedRun>();
        const model = new Map<string, QueuedRun>();
        for (const { what, order, pipeline, count } of steps) {
          const one = run(order, pipeline);
          if (what === 'push' && !model.has(one.run_id)) {
            queue.push(one);
            model.set(one.run_id, one);
          } else if (what === 'remove') {
            expect(queue.remove(one.run_id)?.run_id).toBe(model.get(one.run_id)?.run_id);
            model.delete(one.run_id);
          } else if (what === 'take') {
            let left = count;
            const taken = queue.take((next) => (left-- > 0 ? next.run_id : undefined));
            const expected = [...model.values()].sort((x, y) => x.order - y.order).slice(0, count);
            expect(taken).toEqual(expected.map((next) => next.run_id));
            for (const id of taken) model.delete(id);
          }
          expect(queue.size).toBe(model.size);
          expect(queue.has(one.run_id)).toBe(model.has(one.run_id));
        }
      }),
    );
  });

  it('forgets what was taken, also after thousands', () => {
    const queue = createRunQueue<QueuedRun>();
    for (let order = 1; order <= 5000; order++) queue.push(run(order));
    for (let round = 0; round < 100; round++) {
      let left = 49;
      expect(queue.take((one) => (left-- > 0 ? one.order : undefined))[0]).toBe(round * 49 + 1);
    }
    expect(queue.size).toBe(100);
    expect(queue.take((one) => one.order).at(-1)).toBe(5000);
  });
});
