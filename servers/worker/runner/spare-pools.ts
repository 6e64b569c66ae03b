import { keepSpare, type Spares } from './spare.ts';

/** Kinds of which a spare is kept at a time: each is a few processes and a pipe. */
const maxPools = 3;
const maxSeen = 64;

/** Spares of several kinds. */
export interface SparePools<Item> {
  take(key: string, make: () => Promise<Item>): Item | Promise<Item>;
  close(): Promise<void>;
}

/**
 * A spare for each of the kinds last asked for. One is kept from the second time on: most folders are
 * asked for once, or by many runs of a fan-out, and the former do not take the place of the latter.
 */
export function keepSparePools<Item>(options: {
  isGood: (item: Item) => boolean;
  discard: (item: Item) => Promise<void>;
}): SparePools<Item> {
  /** Least recently asked for first. */
  const pools = new Map<string, Spares<Item>>();
  const seen = new Set<string>();

  const keep = (key: string, pool: Spares<Item>): Spares<Item> => {
    pools.delete(key);
    pools.set(key, pool);
    const [oldest] = pools;
    if (pools.size > maxPools && oldest !== undefined) {
      pools.delete(oldest[0]);
      void oldest[1].close();
    }
    return pool;
  };

  return {
    take(key, make) {
      if (seen.has(key)) return keep(key, pools.get(key) ?? keepSpare({ make, ...options })).take();
      seen.add(key);
      const [first] = seen;
      if (seen.size > maxSeen && first !== undefined) seen.delete(first);
      return make();
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
      pools.clear();
    },
  };
}
