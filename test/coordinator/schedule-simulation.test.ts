import { describe, expect, it } from 'vitest';
import { hedging } from '../../scripts/bench/schedule/hedging.ts';
import { push } from '../../scripts/bench/schedule/push.ts';
import { simulate } from '../../scripts/bench/schedule/simulate.ts';
import {
  equalWorkers,
  gapsAtLoad,
  lowerBoundMs,
  meanSizeMs,
  mixedWorkers,
  runsOf,
  seeded,
} from '../../scripts/bench/schedule/workload.ts';
import { quantile } from '../../scripts/bench/statistics.ts';

/** The short form of `npm run bench -- schedule`: the scheduler itself, in simulated time. */
describe('the scheduler', { timeout: 30_000 }, () => {
  it.each([1, 2, 3])('ends a batch close to the least time there is, seed %i', async (seed) => {
    const random = seeded(seed);
    const workers = mixedWorkers(8, random);
    const runs = runsOf({ count: 1_500, within: 1.3 }, random);
    const { makespanMs, waitsMs } = await simulate(workers, runs);
    const bound = lowerBoundMs(runs, workers);
    expect(makespanMs / bound).toBeLessThanOrEqual(1.1);
    expect(makespanMs / bound).toBeGreaterThanOrEqual(1);
    expect(waitsMs.every((wait) => wait >= 0)).toBe(true);
    expect(push(workers, runs, 'random', random).makespanMs / bound).toBeGreaterThan(1.3);
  });

  it('keeps short runs from waiting for long ones', async () => {
    const random = seeded(2);
    const workers = mixedWorkers(16, random);
    const runs = runsOf({ count: 3_000, within: 1.8, gapMs: gapsAtLoad(0.9, workers) }, random);
    const { waitsMs } = await simulate(workers, runs, { within: 1.8 });
    const pushed = push(workers, runs, 'least-loaded', random).waitsMs;
    expect(quantile(waitsMs, 0.99)).toBeLessThanOrEqual(0.6 * quantile(pushed, 0.99));
  });

  it('spares the slowest runs most of their time with little work done twice', async () => {
    const { slowdown, slowdownUnhedged, extraWork } = await hedging(1, 2_000);
    expect(slowdownUnhedged).toBeGreaterThan(10);
    expect(slowdown / slowdownUnhedged).toBeLessThanOrEqual(0.3);
    expect(extraWork).toBeLessThanOrEqual(0.06);
  });

  it('never makes a quiet task wait for a flood, and gives every run its turn', async () => {
    const random = seeded(4);
    const workers = equalWorkers(8, 4);
    const flood = runsOf({ count: 1_200, within: 1.8, task: 'flood', callOf: 64 }, random);
    const quiet = runsOf({ count: 60, within: 1.8, task: 'quiet', gapMs: () => 500 }, random);
    const runs = [...flood, ...quiet].sort((a, b) => a.at - b.at);
    const { waitsMs } = await simulate(workers, runs);
    const quietMs = waitsMs.filter((_wait, at) => runs[at]?.task === 'quiet');
    expect(quantile(quietMs, 0.95)).toBeLessThanOrEqual(meanSizeMs() / 5 + 5);
    expect(waitsMs.some(Number.isNaN)).toBe(false);
  });
});
