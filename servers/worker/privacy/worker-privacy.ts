import type { Logger } from '../../../platform/log.ts';
import type { Config } from '../../../schemas/config.ts';
import { openPrivacy, type RunPrivacy } from './run-privacy.ts';
import { createTaskKeys } from './task-keys.ts';
import type { OriginalName, TypeCounts } from '../../../schemas/privacy.ts';
import { originalFile, sealedDir } from './sealed-files.ts';
import { readOriginal } from './sealed-originals.ts';
import { createSealedValuesReader, type SealedValuesReader } from './sealed-values.ts';

/** The keys of tasks, in memory only, and what they are for. */
export interface WorkerPrivacy {
  /** Takes the params of a notification; anything else is ignored. Later keys of a task replace earlier ones. */
  take(params: unknown): void;
  /** `replaced`: of a run that was written down, what was replaced by then. */
  ofRun(runId: string, taskId: string, replaced?: TypeCounts): RunPrivacy;
  readonly sealed: SealedValuesReader;
  /** Of what is kept sealed to the byte. */
  readOriginal(runId: string, name: OriginalName, from: number, most: number): Buffer | undefined;
}

/** What finds private values takes some MB: it is loaded where it is used. */
export async function createWorkerPrivacy(options: {
  /** The worker's own folder. */
  dir: string;
  privacy: Config['privacy'];
  /** Whether what an engine keeps of a conversation stays in memory. */
  hasMemory: boolean;
  log: Logger;
}): Promise<WorkerPrivacy> {
  const { dir, privacy, hasMemory, log } = options;
  const home = hasMemory ? 'memory' : privacy.without_memory === 'private' ? 'none' : 'disk';
  const guarded = privacy.mode === 'off' ? undefined : await import('./guarded-run.ts');
  const keys = createTaskKeys();

  return {
    readOriginal: (runId, name, from, most) =>
      readOriginal(originalFile(sealedDir(dir), runId, name), from, most),
    sealed: createSealedValuesReader(sealedDir(dir)),
    take: keys.take,
    ofRun: (run_id, task_id, replaced) =>
      guarded?.guardedPrivacy({
        run_id,
        task_id,
        dir: sealedDir(dir),
        privacy,
        home,
        keys: () => keys.of(task_id),
        keysGiven: (withinMs) => keys.given(task_id, withinMs),
        replaced,
        log,
      }) ?? openPrivacy,
  };
}
