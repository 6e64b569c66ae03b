import { placeBest, type Policy } from '../../core/placement.ts';
import { slotsInUse } from './slots-in-use.ts';

/** The worker with the smallest share of its slots in use; of equal ones the one with more slots free. */
export const leastLoaded: Policy = {
  name: 'least-loaded',
  place: (pool) =>
    placeBest(pool, {
      policy: 'least-loaded',
      score: ({ busy, slots }) => busy / slots - (slots - busy) * 1e-6,
      why: slotsInUse,
    }),
};
