import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By then a process of ours has loaded what it needs and compiled what it runs at its start. */
const settledMs = 1_000;
/** How often it is looked at afterwards. */
const lookMs = 5_000;
/** A full collection takes 10 to 20 ms: less than this is not worth one. */
const worthBytes = 2 * 1024 * 1024;

/**
 * Gives back what V8 would keep until the heap has grown: what starting up left, and what the first runs
 * loaded and built (what finds private values leaves some 20 MB). A full collection whenever nothing is
 * under way and the heap is larger than the last one left it, and one more at the next look: by then V8 takes
 * code that ran once for old, and lets it go. Keeps no process alive.
 */
export function collectWhenIdle(isWorking: () => boolean): void {
  let left = 0;
  let isOneMoreDue = false;
  const look = (): void => {
    const hasGrown = heapBytes() - left > worthBytes;
    if (!isWorking() && (hasGrown || isOneMoreDue)) {
      collect();
      left = heapBytes();
      isOneMoreDue = hasGrown;
    }
    setTimeout(look, left === 0 ? settledMs : lookMs).unref();
  };
  setTimeout(look, settledMs).unref();
}

function heapBytes(): number {
  const { total_heap_size: own, external_memory: external } = getHeapStatistics();
  return own + external;
}

/** Twice: the first frees most, the second the pages it left nearly empty (5 MB after the guard was built). */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  gc();
  gc();
  setFlagsFromString('--no-expose-gc');
}
