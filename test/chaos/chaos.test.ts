import { expect, it } from 'vitest';
import { play } from '../../scripts/chaos/scenario.ts';
import { atFailpoints, atRandom } from '../../scripts/chaos/scenarios.ts';

/** The short form of `npm run chaos`. */
const seed = 7;

it('a fleet killed at its failpoints loses nothing, repeats nothing and leaves nothing behind', async () => {
  const { violations, deaths } = await play(atFailpoints(8, 'few'), seed);
  expect(violations).toEqual([]);
  expect(deaths.coordinator).toBeGreaterThan(5);
  expect(deaths.worker).toBeGreaterThan(5);
}, 120_000);

it('nor does one killed at random times', async () => {
  const { violations } = await play(atRandom(6_000, 40), seed);
  expect(violations).toEqual([]);
}, 120_000);
