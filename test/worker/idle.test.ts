import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchIdle } from '../../servers/worker/idle.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('idle is: nobody connected and nothing to do, for long enough without interruption', () => {
  const onIdle = vi.fn();
  let isWorking = false;
  const watch = watchIdle({ afterMs: 1_000, isWorking: () => isWorking, onIdle });
  watch.look();
  vi.advanceTimersByTime(900);
  watch.connections(1);
  vi.advanceTimersByTime(5_000);
  isWorking = true;
  watch.connections(0);
  vi.advanceTimersByTime(5_000);
  expect(onIdle).not.toHaveBeenCalled();
  isWorking = false;
  watch.look();
  vi.advanceTimersByTime(999);
  expect(onIdle).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onIdle).toHaveBeenCalledOnce();
});

test('a closed watch calls nobody', () => {
  const onIdle = vi.fn();
  const watch = watchIdle({ afterMs: 1_000, isWorking: () => false, onIdle });
  watch.look();
  watch.close();
  watch.look();
  vi.advanceTimersByTime(5_000);
  expect(onIdle).not.toHaveBeenCalled();
});
