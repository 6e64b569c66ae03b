import type { Candidate, Need, Pool } from '../core/placement.ts';
import type { Breakers } from './breakers.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { FleetWorker } from './fleet/fleet-worker.ts';
import type { FullGates } from './full-gates.ts';
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
  took(runId: string, workerId: string): void;
}

export interface AdmissionOptions {
  gates: RateGates;
  breakers: Breakers;
  fleet: Pick<Fleet, 'candidates'> & { get(id: string): Pick<FleetWorker, 'origin'> | undefined };
}

const localAccount = '';

/** Local workers are all signed in as the one user; a remote one that does not say is for itself. */
function accountOf(worker: Pick<Candidate, 'worker_id' | 'local'>): string {
  return worker.local ? localAccount : worker.worker_id;
}

/** Who of a pool is left to a model, kept up with the accounts that fill and empty. */
interface Roomy {
  full: FullGates;
  version: number;
  /** In no order. */
  able: Candidate[];
  shut: Map<string, Candidate>;
  remote: ReadonlyMap<string, Candidate>;
}

export function createAdmission({ gates, breakers, fleet }: AdmissionOptions): Admission {
  const roomy = new WeakMap<Pool, Roomy>();
  function round(now: number): Round {
    return {
      open(pool) {
        const { need } = pool;
        const { avoid = [] } = need;
        // A worker that failed the run gets it again only where no other could take it, sooner or later.
        const others =
          need.worker_id === undefined && pool.able.some((one) => !avoid.includes(one.worker_id));
        const avoided = others ? avoid : [];
        const open = withRoom(pool, now);
        // As a rule nothing is in the way of anybody: then nobody is looked at.
        if (avoided.length === 0 && !breakers.someTripped()) return open;
        return without(open, (worker) => {
          if (avoided.includes(worker.worker_id)) return 'failed it before';
          return breakers.barred(worker.worker_id);
        });
      },
      took: (runId, workerId) => breakers.began(workerId, runId),
    };
  }
  /** Without the workers whose account takes no more. */
  function withRoom(pool: Pool, now: number): Pool {
    const full = gates.full(pool.need, now);
    if (full === undefined) return pool;
    const known = roomy.get(pool);
    const since = known?.full === full ? full.since(known.version) : undefined;
    // All local workers share one account: when that comes or goes, everybody is looked at.
    const isFew = since !== undefined && !since.includes(localAccount);
    const room = known !== undefined && isFew ? keepUp(known, since) : roomIn(pool, full);
    roomy.set(pool, room);
    if (room.shut.size === 0) return pool;
    return { ...pool, able: room.able, rejected: { ...pool.rejected, 'rate limit': room.shut.size } };
  }
  function gateOf(need: Need, workerId: string): string | undefined {
    const isRemote = fleet.get(workerId)?.origin === 'remote';
    return gates.keyOf(need, accountOf({ worker_id: workerId, local: !isRemote }));
  }
  return {
    round,
    gateOf,
    isLimited(need, now) {
      const full = gates.full(need, now);
      const workers = fleet.candidates();
      return (
        full !== undefined &&
        workers.length > 0 &&
        workers.every((worker) => full.accounts.has(accountOf(worker)))
      );
    },
  };
}

function roomIn({ able }: Pool, full: FullGates): Roomy {
  const isShut = (one: Candidate): boolean => full.accounts.has(accountOf(one));
  const named = (workers: readonly Candidate[]) => new Map(workers.map((one) => [one.worker_id, one]));
  return {
    full,
    version: full.version,
    able: able.filter((one) => !isShut(one)),
    shut: named(able.filter(isShut)),
    remote: named(able.filter((one) => !one.local)),
  };
}

/** Takes in the accounts that filled or emptied since. */
function keepUp(room: Roomy, since: readonly string[]): Roomy {
  const { full, able, shut, remote } = room;
  for (const account of since) {
    const worker = remote.get(account);
    if (worker === undefined || shut.has(account) === full.accounts.has(account)) continue;
    if (shut.delete(account)) able.push(worker);
    else {
      shut.set(account, worker);
      const last = able.pop();
      if (last !== undefined && last !== worker) able[able.indexOf(worker)] = last;
    }
  }
  room.version = full.version;
  return room;
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
