import { workerRequests } from '../../schemas/operator.ts';
import type { Fleet } from '../fleet/fleet.ts';

import type { AskWorker } from './tell-workers.ts';

const method = 'codex-fleet/forget_runs';
/** A local worker starts within a second; one that is away is told another time. */
const reachMs = 3_000;

/** Asks over the fleet's connections; a local worker that does not run is started for it. */
export function askFleet(fleet: Pick<Fleet, 'reach'>): AskWorker {
  return async (workerId, keys, dryRun) => {
    const link = await fleet.reach(workerId, reachMs);
    const params = { keys: [...keys], dry_run: dryRun };
    return (await link.request(method, workerRequests[method], params)).kept;
  };
}
