import type { RunRecord } from './run-store.ts';

/** Runs the writer has just had in hand and will most likely be asked to change next. */
export interface RunCache {
  get(runId: string): RunRecord | undefined;
  put(run: RunRecord): void;
  /** After a rollback: what is here may never have been. */
  clear(): void;
}

/** About what a record takes besides its long texts, in characters. */
const baseSize = 2000;

/** Least recently changed runs make room where their texts together exceed `maxSize` characters. */
export function createRunCache(maxSize: number): RunCache {
  const runs = new Map<string, RunRecord>();
  let size = 0;

  function drop(run: RunRecord): void {
    runs.delete(run.run_id);
    size -= sizeOf(run);
  }
  return {
    get: (runId) => runs.get(runId),
    put(run) {
      const before = runs.get(run.run_id);
      if (before !== undefined) drop(before);
      // An ended run never changes again.
      if (run.ended_at !== undefined) return;
      runs.set(run.run_id, run);
      size += sizeOf(run);
      for (const oldest of runs.values()) {
        if (size <= maxSize) break;
        drop(oldest);
      }
    },
    clear() {
      runs.clear();
      size = 0;
    },
  };
}

function sizeOf(run: RunRecord): number {
  return baseSize + (run.spec.prompt?.length ?? 0) + (run.preview?.length ?? 0) + 200 * run.handles.length;
}
