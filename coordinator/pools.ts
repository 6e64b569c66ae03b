import { isHopeless, needKey, poolOf, type Candidate, type Need, type Pool } from '../core/placement.ts';
import type { Fleet } from './fleet/fleet.ts';

/** The workers for each need, found once for all runs that need the same. */
export interface Pools {
  of(need: Need): Pool;
  /** Whether fewer than half of all slots are for such runs. */
  isScarce(need: Need): boolean;
  /** Slots of all workers that are up. */
  slots(): number;
}

interface Known {
  pool: Pool;
  isScarce: boolean;
}

export function createPools(fleet: Pick<Fleet, 'candidates'>): Pools {
  let candidates: readonly Candidate[] = [];
  let slots = 0;
  let byKey = new Map<string, Known>();
  let byNeed = new WeakMap<Need, Known>();

  function refresh(): void {
    const now = fleet.candidates();
    if (now === candidates) return;
    candidates = now;
    slots = slotsOf(now.filter((worker) => worker.state === 'up'));
    byKey = new Map();
    byNeed = new WeakMap();
  }
  function known(need: Need): Known {
    refresh();
    const found = byNeed.get(need);
    if (found !== undefined) return found;
    const key = needKey({ ...need, tree: undefined });
    const made = byKey.get(key) ?? make(need);
    byKey.set(key, made);
    byNeed.set(need, made);
    return made;
  }
  function make(need: Need): Known {
    const pool = isHopeless(need, candidates) ? poolToRefuse(need, candidates) : poolOf(need, candidates);
    return { pool, isScarce: 2 * slotsOf(pool.able) < slots };
  }
  return {
    of: (need) => known(need).pool,
    isScarce: (need) => known(need).isScarce,
    slots() {
      refresh();
      return slots;
    },
  };
}

/** Where nobody can ever serve a run, a worker says in its own words what is missing. */
function poolToRefuse(need: Need, candidates: readonly Candidate[]): Pool {
  const asked: Need = { ...need, engines: [], in_project: false };
  const willing = new Set([need.pipeline]);
  const able = candidates.filter(
    (worker) => poolOf(asked, [{ ...worker, pipelines: willing }]).able.length > 0,
  );
  return { need: asked, able, rejected: {} };
}

function slotsOf(workers: readonly Candidate[]): number {
  return workers.reduce((sum, worker) => sum + worker.slots, 0);
}
