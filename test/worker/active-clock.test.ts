import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createActiveClock } from '../../servers/worker/runs/active-clock.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('only time between start and stop counts, whatever came before included', () => {
  const onLimit = vi.fn();
  const clock = createActiveClock({ limitMs: 1_000, spentMs: 300, onLimit });
  vi.advanceTimersByTime(5_000);
  clock.start();
  vi.advanceTimersByTime(400);
  clock.start();
  clock.stop();
  expect(clock.spentMs).toBe(700);
  vi.advanceTimersByTime(5_000);
  expect(onLimit).not.toHaveBeenCalled();
  clock.start();
  vi.advanceTimersByTime(299);
  expect(onLimit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onLimit).toHaveBeenCalledOnce();
});

test('a limit that is used up ends at once', () => {
  const onLimit = vi.fn();
  createActiveClock({ limitMs: 1_000, spentMs: 2_000, onLimit }).start();
  vi.advanceTimersByTime(0);
  expect(onLimit).toHaveBeenCalledOnce();
});
