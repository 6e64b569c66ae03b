import { FleetError } from '../../../core/errors.ts';

/** How many runs a worker has under way at a time. */
export interface Slots {
  readonly total: number;
  readonly busy: number;
  /** All or none. NO_CAPACITY where fewer are free. */
  take: (count: number) => void;
  release: (count: number) => void;
  /**
   * Gives a slot to others while its run waits for an answer. False, and nothing changes, where as many
   * wait without one as there are slots: their processes are idle, not gone.
   */
  park: () => boolean;
  /** Ends what park() began, for a run that ended without its slot. */
  unpark: () => void;
  /**
   * A slot again for a run that was parked: `granted` is called at once where one is free, else when
   * one is, before any new run. The answer withdraws.
   */
  reclaim: (granted: () => void) => () => void;
}

export function createSlots(total: number): Slots {
  const waiting = new Set<() => void>();
  let busy = 0;
  let parked = 0;
  function grant(granted: () => void): void {
    busy += 1;
    parked -= 1;
    granted();
  }
  function release(count: number): void {
    busy -= count;
    for (const granted of waiting) {
      if (busy >= total) return;
      waiting.delete(granted);
      grant(granted);
    }
  }
  return {
    total,
    get busy() {
      return busy;
    },
    take: (count) => {
      if (busy + count > total) {
        throw new FleetError(
          'NO_CAPACITY',
          `${String(total - busy)} of ${String(total)} slots are free; ${String(count)} are needed.`,
          count > total ? { next: `Start at most ${String(total)} runs in one call.` } : {},
        );
      }
      busy += count;
    },
    release,
    park: () => {
      if (parked >= total) return false;
      parked += 1;
      release(1);
      return true;
    },
    unpark: () => {
      parked -= 1;
    },
    reclaim: (granted) => {
      if (busy < total) grant(granted);
      else waiting.add(granted);
      return () => waiting.delete(granted);
    },
  };
}
