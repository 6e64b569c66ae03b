import type { Candidate, Need, Pool } from '../core/placement.ts';
import type { Breakers } from './breakers.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { RateGates } from './rate-gates.ts';

/** Which workers are out of the question for a run beyond what they are able to: rate limits, breakers, past failures. */
export interface Admission {
  /** For one tick: what is given away in it counts. */
  round(now: number): Round;
  /** Whether a rate limit keeps the run waiting wherever it might go. */
  isLimited(need: Need, now: number): boolean;
  gateOf(need: Need, workerId: string): string | undefined;
}

export interface Round {
  /** The workers of a pool that are not out of the question for its need; the others count as rejected. */
  open(pool: Pool): Pool;
  /** The run goes to this worker. */
  took(runId: string, workerId: string, gate: string | undefined): void;
}

export interface AdmissionOptions {
  gates: RateGates;
  breakers: Breakers;
  fleet: Pick<Fleet, 'get' | 'candidates'>;
}

export function createAdmission({ gates, breakers, fleet }: AdmissionOptions): Admission {
  /** Local workers are all signed in as the one user; a remote one that does not say is for itself. */
  function accountOf(workerId: string): string {
    return fleet.get(workerId)?.origin === 'remote' ? workerId : '';
  }
  function gateOf(need: Need, workerId: string): string | undefined {
    return gates.keyOf(need, accountOf(workerId));
  }
  function round(now: number): Round {
    const room = new Map<string, number>();
    function roomIn(gate: string): number {
      const known = room.get(gate) ?? gates.headroom(gate, now);
      room.set(gate, known);
      return known;
    }
    return {
      open(pool) {
        const { need } = pool;
        const others = need.worker_id === undefined && pool.able.some((worker) => !isAvoided(need, worker));
        return without(pool, (worker) => {
          const gate = gateOf(need, worker.worker_id);
          if (gate !== undefined && roomIn(gate) <= 0) return 'rate limit';
          if (others && isAvoided(need, worker)) return 'failed it before';
          return breakers.barred(worker.worker_id);
        });
      },
      took(runId, workerId, gate) {
        breakers.began(workerId, runId);
        if (gate !== undefined) room.set(gate, roomIn(gate) - 1);
      },
    };
  }
  return {
    round,
    gateOf,
    isLimited(need, now) {
      const keys = fleet.candidates().map(({ worker_id: id }) => gateOf(need, id));
      return keys.length > 0 && keys.every((key) => key !== undefined && gates.headroom(key, now) <= 0);
    },
  };
}

/** A worker that failed the run gets it again only where no other could take it, sooner or later. */
function isAvoided({ avoid = [] }: Need, { worker_id: id }: Candidate): boolean {
  return avoid.includes(id);
}

function without(pool: Pool, why: (worker: Candidate) => string | undefined): Pool {
  const able: Candidate[] = [];
  const rejected: Record<string, number> = { ...pool.rejected };
  for (const worker of pool.able) {
    const reason = why(worker);
    if (reason === undefined) able.push(worker);
    else rejected[reason] = (rejected[reason] ?? 0) + 1;
  }
  return able.length === pool.able.length ? pool : { ...pool, able, rejected };
}
