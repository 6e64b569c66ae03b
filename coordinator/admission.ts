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
  function accountOf(worker: Pick<Candidate, 'worker_id' | 'local'>): string {
    return worker.local ? '' : worker.worker_id;
  }
  function round(now: number): Round {
    const room = new Map<string, number>();
    function roomIn(gate: string): number {
      const known = room.get(gate) ?? gates.headroom(gate, now);
      room.set(gate, known);
      return known;
    }
    function isLimited(need: Need, account: string): boolean {
      const gate = gates.keyOf(need, account);
      return gate !== undefined && roomIn(gate) <= 0;
    }
    return {
      open(pool) {
        const { need } = pool;
        const { avoid = [] } = need;
        // A worker that failed the run gets it again only where no other could take it, sooner or later.
        const others =
          need.worker_id === undefined && pool.able.some((one) => !avoid.includes(one.worker_id));
        const avoided = others ? avoid : [];
        const limited = new Set(pool.accounts.filter((account) => isLimited(need, account)));
        // As a rule nothing is in the way of anybody: then nobody is looked at.
        if (limited.size === 0 && avoided.length === 0 && !breakers.someTripped()) return pool;
        return without(pool, (worker) => {
          if (limited.size > 0 && limited.has(accountOf(worker))) return 'rate limit';
          if (avoided.includes(worker.worker_id)) return 'failed it before';
          return breakers.barred(worker.worker_id);
        });
      },
      took(runId, workerId, gate) {
        breakers.began(workerId, runId);
        if (gate !== undefined) room.set(gate, roomIn(gate) - 1);
      },
    };
  }
  function gateOf(need: Need, workerId: string): string | undefined {
    const isRemote = fleet.get(workerId)?.origin === 'remote';
    return gates.keyOf(need, accountOf({ worker_id: workerId, local: !isRemote }));
  }
  return {
    round,
    gateOf,
    isLimited(need, now) {
      const keys = fleet.candidates().map((worker) => gates.keyOf(need, accountOf(worker)));
      return keys.length > 0 && keys.every((key) => key !== undefined && gates.headroom(key, now) <= 0);
    },
  };
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
