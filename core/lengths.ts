/** Each order of length is four times the one before. */
const factor = 4;
const orders = 3;
/** Of all slots, for the runs of one order and all above it, while shorter ones wait. */
const shares = [1, 0.35, 0.1, 0.03];

/** How many orders of length a run is above what is typical: 0 for most, and where nothing is known of it. */
export function lengthOf(estimateMs: number | undefined, typicalMs: number | undefined): number {
  if (estimateMs === undefined || typicalMs === undefined || estimateMs <= typicalMs) return 0;
  return Math.min(orders, Math.floor(Math.log(estimateMs / typicalMs) / Math.log(factor)));
}

/**
 * Whether the runs of a length have their share of the slots. Where run times are heavy-tailed a few long
 * runs would soon have every slot, and nobody new would find one that turns over; held to a share of them,
 * longer for longer runs, they cost the others nothing, and themselves little.
 */
export function isFullOf(length: number, inUse: (least: number) => number, slots: number): boolean {
  for (let least = length; least > 0; least--) {
    if (inUse(least) >= Math.max(1, Math.floor((shares[least] ?? 1) * slots))) return true;
  }
  return false;
}
