import { placeBest, type Policy } from '../../core/placement.ts';

/** The worker with the smallest share of its slots in use; of equal ones the one with more slots free. */
export const leastLoaded: Policy = {
  name: 'least-loaded',
  place: (need, workers) =>
    placeBest(need, workers, {
      policy: 'least-loaded',
      compare: (a, b) => a.busy / a.slots - b.busy / b.slots || b.slots - b.busy - (a.slots - a.busy),
      why: ({ busy, slots }) => `${String(busy)} of ${String(slots)} slots in use`,
    }),
};
