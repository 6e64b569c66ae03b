import { placeBest, type Candidate, type Policy, type RunToPlace } from '../../core/placement.ts';
import { slotsInUse } from './slots-in-use.ts';

/** Where nothing is known of how long a run takes. */
const anyRunMs = 10_000;
/** A folder that was read lately is worth a twentieth of the run. */
const warmGain = 0.95;

/** The worker that will likely have the run done first. */
export const leastExpectedCompletion: Policy = {
  name: 'least-expected-completion',
  place: (pool, run) =>
    placeBest(pool, {
      policy: 'least-expected-completion',
      score: (worker) => expectedMs(worker, run),
      why: (worker) => `done in ${seconds(expectedMs(worker, run))}, ${slotsInUse(worker)}`,
    }),
};

function expectedMs({ pace, slowdown }: Candidate, run: RunToPlace): number {
  const gain = pace.warm.has(run.cwd) ? warmGain : 1;
  return pace.latency_ms + (run.estimate_ms ?? anyRunMs) * pace.slowness * slowdown * gain;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toPrecision(3)} s`;
}
