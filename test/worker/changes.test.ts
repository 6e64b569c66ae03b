import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import fc from 'fast-check';
import { ChangeLog } from '../../servers/worker/runs/changes.ts';

interface Item {
  name: number;
  seq: number;
}

const never = new AbortController().signal;

describe('the log of changes', () => {
  test('tells, after any cursor, exactly the items changed since, each once, by rising number', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 5_000, minLength: 100 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 5_000 }), (changes, cursor) => {
        const log = new ChangeLog<Item>();
        const items = Array.from({ length: 21 }, (_, name) => ({ name, seq: 0 }));
        for (const item of items) log.add(item);
        for (const name of changes) {
          const item = items[name];
          if (item !== undefined) log.changed(item, 'now');
        }
        const expected = items.filter((item) => item.seq > cursor).sort((a, b) => a.seq - b.seq);
        expect(log.after(cursor)).toEqual(expected);
        expect(log.latest).toBe(21 + changes.length);
      }),
      { numRuns: 30 },
    );
  });

  test('a waiter hears only of what interests it', async () => {
    const log = new ChangeLog<Item>();
    const [mine, other] = [
      { name: 1, seq: 0 },
      { name: 2, seq: 0 },
    ];
    log.add(mine);
    log.add(other);
    const woken = vi.fn();
    const waiting = log.next((item) => item === mine, 10_000, never).then(woken);
    log.changed(other, 'now');
    await Promise.resolve();
    expect(woken).not.toHaveBeenCalled();
    log.changed(mine, 'now');
    await waiting;
    expect(woken).toHaveBeenCalledOnce();
  });

  test('closing wakes everybody, and nobody waits afterwards', async () => {
    const log = new ChangeLog<Item>();
    const waiting = log.next(() => true, 10_000, never);
    log.close();
    await waiting;
    await log.next(() => true, 10_000, never);
    expect(log.isClosed).toBe(true);
  });

  test('a signal that is aborted already does not wait', async () => {
    const log = new ChangeLog<Item>();
    await log.next(() => true, 10_000, AbortSignal.abort());
  });
});

describe('with a clock of our own', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('what is to be told soon waits a moment, and not beside something urgent', () => {
    const log = new ChangeLog<Item>();
    const item = { name: 1, seq: 0 };
    log.add(item);
    log.changed(item, 'soon');
    log.changed(item, 'soon');
    expect(log.latest).toBe(1);
    vi.advanceTimersByTime(20);
    expect(log.latest).toBe(2);
    log.changed(item, 'soon');
    log.changed(item, 'now');
    vi.advanceTimersByTime(20);
    expect(log.latest).toBe(3);
  });

  test('what is to be told soon is not hurried by another that no longer waits', () => {
    const log = new ChangeLog<Item>();
    const [first, second] = [
      { name: 1, seq: 0 },
      { name: 2, seq: 0 },
    ];
    log.changed(first, 'soon');
    vi.advanceTimersByTime(10);
    log.changed(first, 'now');
    log.changed(second, 'soon');
    vi.advanceTimersByTime(10);
    expect(second.seq).toBe(0);
    vi.advanceTimersByTime(10);
    expect(second.seq).toBe(2);
  });

  test('growing output is told ever more rarely, and no more after the end', () => {
    const log = new ChangeLog<Item>();
    const item = { name: 1, seq: 0 };
    log.add(item);
    const told: number[] = [];
    for (let ms = 0; ms < 60_000; ms += 100) {
      const before = log.latest;
      log.changed(item, 'growth');
      vi.advanceTimersByTime(100);
      if (log.latest > before) told.push(ms + 100);
    }
    expect(told).toEqual([1_000, 3_000, 7_000, 15_000, 25_000, 35_000, 45_000, 55_000]);
    log.over(item);
    const last = log.latest;
    vi.advanceTimersByTime(60_000);
    expect(log.latest).toBe(last);
  });
});
