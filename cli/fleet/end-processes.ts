import { setTimeout as delay } from 'node:timers/promises';
import { stillRuns } from '../../platform/process-identity.ts';
import type { RecordedProcess } from './process-record.ts';

const checkEveryMs = 20;

/**
 * Asks these processes to end (SIGTERM), and kills after `graceMs` those that have not. Answers the
 * killed ones. A pid that is by now another process is left alone.
 */
export async function endProcesses(
  processes: readonly RecordedProcess[],
  graceMs: number,
): Promise<RecordedProcess[]> {
  for (const target of processes) signal(target, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  let left = processes.filter(stillRuns);
  while (left.length > 0 && Date.now() < deadline) {
    await delay(checkEveryMs);
    left = left.filter(stillRuns);
  }
  for (const target of left) signal(target, 'SIGKILL');
  return left;
}

function signal(target: RecordedProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  if (!stillRuns(target)) return;
  try {
    process.kill(target.pid, name);
  } catch {
    // Ended between the look and the signal.
  }
}
