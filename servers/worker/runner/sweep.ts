import { stillRuns } from '../../../platform/process-identity.ts';
import { endCgroup } from './cgroup.ts';
import { endProcesses } from './end-processes.ts';
import { halfOpenNamespaces } from './half-open.ts';
import { kernelBootId, readLeftovers } from './ledger.ts';

export interface Swept {
  processes: number;
  cgroups: number;
  /** Whoever of this machine had begun to open them. */
  namespaces: number;
}

/**
 * Ends what earlier processes of this state folder left running, and only that: a process is ended if
 * its pid and its start time are the noted ones, so never one that merely got the same pid. Returns
 * how much there was.
 */
export async function sweepLeftovers(stateDir: string): Promise<Swept> {
  const swept: Swept = { processes: 0, cgroups: 0, namespaces: 0 };
  const bootId = kernelBootId();
  for (const leftovers of readLeftovers(stateDir)) {
    if (stillRuns(leftovers.owner)) continue;
    if (leftovers.bootId === bootId) {
      for (const folder of leftovers.cgroups) await endCgroup(folder);
      const running = leftovers.processes.filter(stillRuns);
      await endProcesses(running);
      swept.cgroups += leftovers.cgroups.length;
      swept.processes += running.length;
    }
    leftovers.forget();
  }
  const halfOpen = halfOpenNamespaces();
  await endProcesses(halfOpen);
  swept.namespaces = halfOpen.length;
  return swept;
}
