import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createWake } from '../../../coordinator/store/wake.ts';

it('tells every listener once of all the news of one turn, until it is taken off', async () => {
  const wake = createWake();
  const heard = { a: 0, b: 0 };
  const off = wake.on(() => (heard.a += 1));
  wake.on(() => (heard.b += 1));
  wake.notify();
  wake.notify();
  expect(heard).toEqual({ a: 0, b: 0 });
  await setImmediate();
  expect(heard).toEqual({ a: 1, b: 1 });
  off();
  off();
  wake.notify();
  await setImmediate();
  expect(heard).toEqual({ a: 1, b: 2 });
});

it('hears a hint given while it is being heard', async () => {
  const wake = createWake();
  let heard = 0;
  wake.on(() => {
    heard += 1;
    if (heard === 1) wake.notify();
  });
  wake.notify();
  await setImmediate();
  await setImmediate();
  expect(heard).toBe(2);
});
