import { FleetError } from '../../../core/errors.ts';

/** How many runs a worker has under way at a time. */
export interface Slots {
  readonly total: number;
  readonly busy: number;
  /** All or none. NO_CAPACITY where fewer are free. */
  take: (count: number) => void;
  release: (count: number) => void;
}

export function createSlots(total: number): Slots {
  let busy = 0;
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
    release: (count) => {
      busy -= count;
    },
  };
}
