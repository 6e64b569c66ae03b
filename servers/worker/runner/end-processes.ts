import { stillRuns, type ProcessIdentity } from '../../../platform/process-identity.ts';
import { descendantsOf, readAllProcesses, send, waitUntil } from './process-table.ts';

const deathMs = 2_000;

/** KILL to the noted processes, their groups where they lead one, and all their descendants. */
export async function endProcesses(noted: readonly ProcessIdentity[]): Promise<void> {
  if (noted.length === 0) return;
  const rows = readAllProcesses();
  const below = descendantsOf(new Set(noted.map(({ pid }) => pid)), rows);
  for (const { pid } of noted) {
    const leadsGroup = rows.some((row) => row.pid === pid && row.group === pid);
    send(leadsGroup ? -pid : pid, 'SIGKILL');
  }
  for (const { pid } of below) send(pid, 'SIGKILL');
  const all = [...noted, ...below];
  await waitUntil(() => !all.some(stillRuns), deathMs);
}
