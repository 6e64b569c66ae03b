import { keepSpare, type Spares } from './spare.ts';

/** Kinds of which a spare is kept at a time: each is a few processes and a pipe. */
const maxPools = 3;

/** Spares of several kinds. */
export interface SparePools<Item> {
  take(key: string, make: () => Promise<Item>): Item | Promise<Item>;
  close(): Promise<void>;
}

/**
 * A spare for each of the kinds last asked for. One is kept from the second time on: most folders are
 * asked for once, or by many runs of a fan-out.
 */
export function keepSparePools<Item>(options: {
  isGood: (item: Item) => boolean;
  discard: (item: Item) => Promise<void>;
}): SparePools<Item> {
  /** Least recently asked for first; undefined where it was asked for once. */
  const pools = new Map<string, Spares<Item> | undefined>();

  const remember = (key: string, pool: Spares<Item> | undefined): void => {
    pools.delete(key);
    pools.set(key, pool);
    if (pools.size <= maxPools) return;
    const [oldest] = pools;
    if (oldest === undefined) return;
    pools.delete(oldest[0]);
    void oldest[1]?.close();
  };

  return {
    take(key, make) {
      if (!pools.has(key)) {
        remember(key, undefined);
        return make();
      }
      const pool = pools.get(key) ?? keepSpare({ make, ...options });
      remember(key, pool);
      return pool.take();
    },
    async close() {
      const kept = [...pools.values()].filter((pool) => pool !== undefined);
      await Promise.all(kept.map((pool) => pool.close()));
      pools.clear();
    },
  };
}
