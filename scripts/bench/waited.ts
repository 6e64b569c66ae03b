import { readFileSync } from 'node:fs';

/**
 * How long, in ms, this thread was ready to run so far while the processor was with others (Linux,
 * Documentation/scheduler/sched-stats.rst, second field of schedstat); 0 where nothing says so. Taken
 * off a time, it leaves what the program itself took, on a busy machine as on a quiet one.
 */
export function waitedMs(): number {
  try {
    const [, waited] = readFileSync(`/proc/self/task/${String(process.pid)}/schedstat`, 'utf8').split(' ');
    return Number(waited) / 1e6;
  } catch {
    return 0;
  }
}
