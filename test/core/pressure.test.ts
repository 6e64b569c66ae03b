import { describe, expect, it } from 'vitest';
import { slotsUnder, slowdownOf, strainOf } from '../../core/pressure.ts';

const fine = { load: 1, memory_free: 0.5 };

describe('the slots of a worker to use', () => {
  it.each([
    ['nothing known', undefined, 8],
    ['fine', fine, 8],
    ['just enough of everything', { load: 4, memory_free: 0.1, stalled: 0.4 }, 8],
    ['short of memory', { ...fine, memory_free: 0.09 }, 4],
    ['hardly any memory', { ...fine, memory_free: 0.04 }, 1],
    ['stalled', { ...fine, stalled: 0.41 }, 4],
    ['overloaded', { ...fine, load: 4.1 }, 4],
    ['all at once', { load: 9, memory_free: 0.01, stalled: 1 }, 1],
  ])('on a host with %s', (_, host, slots) => {
    expect(slotsUnder(host, 8)).toBe(slots);
  });

  it('are never fewer than one, nor more than it has', () => {
    const pressed = { load: 9, memory_free: 0.01 };
    expect([0, 1, 2, 3].map((slots) => slotsUnder(pressed, slots))).toEqual([0, 1, 1, 1]);
    expect([0, 1, 2, 3].map((slots) => slotsUnder({ ...fine, load: 5 }, slots))).toEqual([0, 1, 1, 2]);
  });
});

it('says what a host is short of, the worst first', () => {
  expect(strainOf(undefined)).toBeUndefined();
  expect(strainOf(fine)).toBeUndefined();
  expect(strainOf({ load: 5, memory_free: 0.09, stalled: 0.5 })).toBe('host short of memory');
  expect(strainOf({ load: 5, memory_free: 0.5, stalled: 0.5 })).toBe('host stalled on memory or I/O');
  expect(strainOf({ load: 5, memory_free: 0.5 })).toBe('host overloaded');
});

it('expects runs to take longer by the load of a core, and twice that where memory or I/O hold them up', () => {
  expect(slowdownOf(undefined)).toBe(1);
  expect(slowdownOf({ ...fine, load: 0 })).toBe(1);
  expect(slowdownOf({ ...fine, load: 1.4 })).toBe(1);
  expect(slowdownOf({ ...fine, load: 2.6 })).toBe(3);
  expect(slowdownOf({ ...fine, stalled: 0.5 })).toBe(2);
  expect(slowdownOf({ load: 3, memory_free: 0.09 })).toBe(6);
});
