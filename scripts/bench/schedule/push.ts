import { Heap } from '../../../core/heap.ts';
import type { Random, SimRun, SimWorker } from './workload.ts';

export type PushRule = 'random' | 'round-robin' | 'least-loaded';

interface Queue {
  worker: SimWorker;
  running: number;
  waiting: number[];
  /** Of `waiting`, those already begun. */
  begun: number;
}

/** What others do: every run is given to a worker as it comes, and waits there, first come first served. */
export function push(
  workers: readonly SimWorker[],
  runs: readonly SimRun[],
  rule: PushRule,
  random: Random,
  dispatchMs = 5,
): { waitsMs: number[]; makespanMs: number } {
  const queues = workers.map((worker): Queue => ({ worker, running: 0, waiting: [], begun: 0 }));
  const ends = new Heap<{ at: number; queue: Queue }>((a, b) => a.at < b.at);
  const waitsMs: number[] = [];
  let makespanMs = 0;
  let turn = 0;

  function begin(queue: Queue, now: number): void {
    while (queue.running < queue.worker.slots && queue.begun < queue.waiting.length) {
      const index = queue.waiting[queue.begun++] ?? 0;
      const run = runs[index];
      if (run === undefined) continue;
      queue.running++;
      waitsMs[index] = now + dispatchMs - run.at;
      ends.push({ at: now + dispatchMs + run.sizeMs * queue.worker.slowness, queue });
    }
  }
  function choose(): Queue | undefined {
    if (rule === 'random') return queues[Math.floor(random() * queues.length)];
    if (rule === 'round-robin') return queues[turn++ % queues.length];
    return queues.reduce((best, one) => (loadOf(one) < loadOf(best) ? one : best));
  }
  function endUntil(now: number): void {
    for (let next = ends.top; next !== undefined && next.at <= now; next = ends.top) {
      ends.pop();
      next.queue.running--;
      makespanMs = next.at;
      begin(next.queue, next.at);
    }
  }
  for (const [index, run] of runs.entries()) {
    endUntil(run.at);
    const queue = choose();
    if (queue === undefined) continue;
    queue.waiting.push(index);
    begin(queue, run.at);
  }
  endUntil(Infinity);
  return { waitsMs, makespanMs };
}

function loadOf({ running, waiting, begun, worker }: Queue): number {
  return (running + waiting.length - begun) / worker.slots;
}
