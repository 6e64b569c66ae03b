import type { RunRecord } from './run-store.ts';

/** Runs that were just changed, as they are now: those most likely asked for next. */
export interface RunCache {
  get(runId: string): RunRecord | undefined;
  put(run: RunRecord): void;
  remove(runId: string): void;
  /** After a rollback: what is here may never have been. */
  clear(): void;
}

/** About what a record takes besides its long texts, in characters. */
const baseSize = 2000;

/** Least recently changed runs make room where their texts together exceed `maxSize` characters. */
export function createRunCache(maxSize: number, { ended }: { ended: 'kept' | 'dropped' }): RunCache {
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
      if (ended === 'dropped' && run.ended_at !== undefined) return;
      runs.set(run.run_id, run);
      size += sizeOf(run);
      for (const oldest of runs.values()) {
        if (size <= maxSize) break;
        drop(oldest);
      }
    },
    remove(runId) {
      const run = runs.get(runId);
      if (run !== undefined) drop(run);
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
