import { placeBest, type Policy } from '../../core/placement.ts';
import { slotsInUse } from './slots-in-use.ts';

/** Each worker in turn, those without a free slot passed over. */
export const roundRobin: Policy = {
  name: 'round-robin',
  place(pool, { turn }) {
    const { length } = pool.able;
    const places = new Map(pool.able.map((worker, at) => [worker.worker_id, at]));
    return placeBest(pool, {
      policy: 'round-robin',
      score: ({ worker_id: id }) => ((places.get(id) ?? 0) - (turn % length) + length) % length,
      why: slotsInUse,
    });
  },
};
