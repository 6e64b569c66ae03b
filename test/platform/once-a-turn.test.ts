import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { onceATurn } from '../../platform/once-a-turn.ts';

it('looks once a turn of the event loop for each, and anew in the next', async () => {
  const looks: string[] = [];
  const look = onceATurn((about) => looks.push(about));
  expect([look('a'), look('b'), look('a')]).toEqual([1, 2, 1]);
  await Promise.resolve();
  expect(look('b')).toBe(2);
  await nextTurn();
  expect(look('a')).toBe(3);
  await nextTurn();
  expect(look('a')).toBe(4);
});

it('keeps no failure', () => {
  let fails = true;
  const look = onceATurn((about) => {
    if (fails) throw new Error(about);
    return about;
  });
  expect(() => look('a')).toThrow('a');
  fails = false;
  expect(look('a')).toBe('a');
});
