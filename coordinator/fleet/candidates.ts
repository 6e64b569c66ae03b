import type { Candidate } from '../../core/placement.ts';
import type { Clock } from '../clock.ts';
import { toCandidate, type FleetWorker } from './fleet-worker.ts';
import type { OpenAttempts } from './open-attempts.ts';

/** The workers as placements see them: made anew only after one of them has changed, kept in step with its slots. */
export interface Candidates {
  /** The same array until a worker has changed in more than the slots in use. */
  list(): readonly Candidate[];
  /** Some worker came, went, or said something new of itself. */
  outdated(): void;
}

export function createCandidates(
  workers: ReadonlyMap<string, FleetWorker>,
  attempts: OpenAttempts,
  clock: Clock,
  heedHost: boolean,
): Candidates {
  let known: Map<string, Candidate> | undefined;
  let listed: readonly Candidate[] = [];
  const seen = (worker: FleetWorker): Candidate =>
    toCandidate(worker, {
      ownBusy: attempts.slotsTaken(worker.id),
      uptimeMs: clock.uptimeMs(),
      heedHost,
    });

  attempts.watch(({ worker_id: id }) => {
    const candidate = known?.get(id);
    const worker = workers.get(id);
    if (candidate !== undefined && worker !== undefined) candidate.busy = seen(worker).busy;
  });
  return {
    list() {
      if (known === undefined) {
        known = new Map([...workers.values()].map((worker) => [worker.id, seen(worker)]));
        listed = [...known.values()];
      }
      return listed;
    },
    outdated() {
      known = undefined;
    },
  };
}
