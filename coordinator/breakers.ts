import { afterEnd, closedBreaker, phaseOf, type Breaker } from '../core/breaker.ts';
import { isWorkerFault } from '../core/failure.ts';
import type { Outcome } from '../schemas/run.ts';
import type { Clock } from './clock.ts';

/** Keeps runs from workers that fail them, one breaker a worker. */
export interface Breakers {
  /** Whether any worker was found at fault of late. */
  someTripped(): boolean;
  /** Why a worker gets no run now; undefined where it may. */
  barred(workerId: string): string | undefined;
  /** A run is sent to a worker: the one that tries, where that is what the worker is waiting for. */
  began(workerId: string, runId: string): void;
  ended(workerId: string, runId: string, outcome: Outcome): void;
  /** It has put something out: a worker that was tried works again. */
  worked(workerId: string, runId: string): void;
}

export function createBreakers(clock: Pick<Clock, 'uptimeMs'>, changed: (afterMs: number) => void): Breakers {
  const breakers = new Map<string, Breaker>();
  const probes = new Map<string, string>();
  /** Breakers that are not closed. */
  let tripped = 0;
  const breakerOf = (workerId: string): Breaker => breakers.get(workerId) ?? closedBreaker;

  function note(workerId: string, runId: string, failed: boolean): void {
    const nowMs = clock.uptimeMs();
    const probe = probes.get(workerId) === runId;
    const before = breakerOf(workerId);
    const after = afterEnd(before, { failed, probe, nowMs });
    if (probe) probes.delete(workerId);
    breakers.set(workerId, after);
    tripped += Number(after.open !== undefined) - Number(before.open !== undefined);
    if (after.open !== undefined && after.open !== before.open) changed(after.open.forMs);
    else if (probe) changed(0);
  }
  return {
    someTripped: () => tripped > 0,
    barred(workerId) {
      const phase = phaseOf(breakerOf(workerId), clock.uptimeMs());
      if (phase === 'open') return 'breaker open';
      return phase === 'half_open' && probes.has(workerId) ? 'breaker half open' : undefined;
    },
    began(workerId, runId) {
      if (phaseOf(breakerOf(workerId), clock.uptimeMs()) === 'half_open') probes.set(workerId, runId);
    },
    ended: (workerId, runId, outcome) => {
      note(workerId, runId, isWorkerFault(outcome));
    },
    worked(workerId, runId) {
      if (probes.get(workerId) === runId) note(workerId, runId, false);
    },
  };
}
