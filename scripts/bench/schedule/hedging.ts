import { quantile } from '../statistics.ts';
import { simulate } from './simulate.ts';
import { equalWorkers, seeded, stragglingRuns } from './workload.ts';

export interface HedgingFigures {
  /** p99.9 of time from acceptance to end ÷ service time of the run had it not straggled. */
  slowdown: number;
  slowdownUnhedged: number;
  /** Slot time of second attempts ÷ slot time of first ones. */
  extraWork: number;
}

/** Runs that come before those that count: some 20 of each kind, from which the fleet learns how long they take. */
const learning = 2_000;
/** Of all slot time, as the configuration has it. */
const hedgeShare = 0.05;

/**
 * The coordinator's own hedges in simulated time: 2 in 100 attempts take 1 to 19 times as long as they
 * should, at a load of 0.6, with estimates learnt on the way; the same runs with hedges and without them.
 */
export async function hedging(seed: number, count: number): Promise<HedgingFigures> {
  const workers = equalWorkers(16, 4);
  const runs = stragglingRuns({ count: learning + count, within: 1.8, share: 0.6 }, workers, seeded(seed));
  const slowdown = (sojournsMs: readonly number[]): number =>
    quantile(sojournsMs.map((ms, at) => ms / (runs[at]?.sizeMs ?? Number.NaN)).slice(learning), 0.999);
  const without = await simulate(workers, runs, { within: 1.8, hedgeShare: 0 });
  const hedged = await simulate(workers, runs, { within: 1.8, hedgeShare });
  return {
    slowdown: slowdown(hedged.sojournsMs),
    slowdownUnhedged: slowdown(without.sojournsMs),
    extraWork: hedged.heldMs.hedges / hedged.heldMs.firsts,
  };
}
