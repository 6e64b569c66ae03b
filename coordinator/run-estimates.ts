import { createEstimates } from '../core/estimates.ts';
import { tookToRun } from '../core/pace.ts';
import { tellingAttempt } from '../core/telling-attempt.ts';
import type { EndListener } from './changes.ts';
import type { Fleet } from './fleet/fleet.ts';
import { laneOf } from './fleet/open-attempts.ts';
import type { RunRecord } from './store/run-store.ts';

type Kindred = Pick<RunRecord, 'owner' | 'spec'>;

/** How long runs will take, by those that ended, and how fast each worker is by that measure. */
export interface RunEstimates extends EndListener {
  /** ms; undefined where no run like it has ended. */
  typical(run: Kindred): number | undefined;
  /** Of all runs, ms. */
  mean(): number | undefined;
  /** The time 95 of 100 such runs stay below, ms. */
  p95(run: Kindred): number | undefined;
  /** Takes in runs of an earlier process, the oldest first. */
  learn(runs: readonly RunRecord[]): void;
}

/** Inputs longer than this say little about another run. */
const maxInputs = 400;
const everyRun = 'all';

export function createRunEstimates(fleet: () => Pick<Fleet, 'get'>): RunEstimates {
  const estimates = createEstimates();

  function observe(run: RunRecord): void {
    const attempt = tellingAttempt(run.attempts);
    if (run.status !== 'completed' || attempt?.ended_at === undefined) return;
    const ms = attempt.ended_at - (attempt.started_at ?? attempt.claimed_at);
    const kinds = kindsOf(run);
    const expected = estimates.typical(kinds.slice(0, -2));
    const pace = fleet().get(attempt.placement.worker_id)?.pace;
    if (expected !== undefined && pace !== undefined) tookToRun(pace, ms, expected);
    estimates.observe(kinds, ms);
  }
  return {
    typical: (run) => estimates.typical(kindsOf(run).slice(0, -1)),
    mean: () => estimates.typical([everyRun]),
    p95: (run) => estimates.quantile(kindsOf(run).slice(0, -2), 'p95'),
    ended: observe,
    learn(runs) {
      for (const run of runs) observe(run);
    },
  };
}

/** What makes runs alike, the closest first: what they do with what and where, what they do, whose they are. */
function kindsOf(run: Kindred): string[] {
  const { pipeline, stages, inputs, cwd } = run.spec;
  const work = JSON.stringify([pipeline, stages]);
  const given = JSON.stringify(inputs);
  const here = JSON.stringify([work, cwd]);
  const same = given === '{}' || given.length > maxInputs ? [] : [JSON.stringify([here, given])];
  return [...same, here, work, laneOf(run), everyRun];
}
