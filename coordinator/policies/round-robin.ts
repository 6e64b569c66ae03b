import { placeBest, type Policy, type Pool } from '../../core/placement.ts';
import { slotsInUse } from './slots-in-use.ts';

/** Each worker in turn, those without a free slot passed over. */
export const roundRobin: Policy = {
  name: 'round-robin',
  place(pool, { turn }) {
    const { length } = pool.able;
    const places = placesIn(pool);
    return placeBest(pool, {
      policy: 'round-robin',
      score: ({ worker_id: id }) => ((places.get(id) ?? 0) - (turn % length) + length) % length,
      why: slotsInUse,
    });
  },
};

const known = new WeakMap<Pool, ReadonlyMap<string, number>>();

/** Found once a pool: it stays the same for many runs. */
function placesIn(pool: Pool): ReadonlyMap<string, number> {
  const places = known.get(pool) ?? new Map(pool.able.map((worker, at) => [worker.worker_id, at]));
  known.set(pool, places);
  return places;
}
