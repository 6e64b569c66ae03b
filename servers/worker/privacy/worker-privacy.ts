import type { Logger } from '../../../platform/log.ts';
import type { Config } from '../../../schemas/config.ts';
import type { RunPrivacyOptions } from './guarded-run.ts';
import { openPrivacy, type RunPrivacy } from './run-privacy.ts';
import { createTaskKeys } from './task-keys.ts';
import type { OriginalName, TypeCounts } from '../../../schemas/privacy.ts';
import { originalFile, sealedDir } from './sealed-files.ts';
import { readOriginal } from './sealed-originals.ts';
import { createSealedValuesReader, type SealedValuesReader } from './sealed-values.ts';

/**
 * A coordinator that takes its worker back gives it the keys of its runs by then: what is stored before, by a
 * worker that has just begun, waits for them where it has private values in it.
 */
const usualKeysMs = 10_000;

/** The keys of tasks, in memory only, and what they are for. */
export interface WorkerPrivacy {
  /** Takes the params of a notification; anything else is ignored. Later keys of a task replace earlier ones. */
  take(params: unknown): void;
  /** What finds private values takes some MB: it is loaded before the first run. */
  ready(): Promise<void>;
  /** Once it is ready. `replaced`: of a run that was written down, what was replaced by then. */
  ofRun(runId: string, taskId: string, replaced?: TypeCounts): RunPrivacy;
  readonly sealed: SealedValuesReader;
  /** Of what is kept sealed to the byte. */
  readOriginal(runId: string, name: OriginalName, from: number, most: number): Buffer | undefined;
}

export function createWorkerPrivacy(options: {
  /** The worker's own folder. */
  dir: string;
  privacy: Config['privacy'];
  /** Whether what an engine keeps of a conversation stays in memory. */
  hasMemory: boolean;
  /** How long what needs the keys of a task waits for a coordinator to give them. */
  keysMs?: number;
  log: Logger;
}): WorkerPrivacy {
  const { dir, privacy, hasMemory, keysMs = usualKeysMs, log } = options;
  const home = hasMemory ? 'memory' : privacy.without_memory === 'private' ? 'none' : 'disk';
  let guardedPrivacy: ((run: RunPrivacyOptions) => RunPrivacy) | undefined;
  const keys = createTaskKeys();

  return {
    readOriginal: (runId, name, from, most) =>
      readOriginal(originalFile(sealedDir(dir), runId, name), from, most),
    sealed: createSealedValuesReader(sealedDir(dir)),
    take: keys.take,
    async ready() {
      if (privacy.mode === 'enforce') guardedPrivacy ??= (await import('./guarded-run.ts')).guardedPrivacy;
    },
    ofRun(run_id, task_id, replaced) {
      if (privacy.mode === 'off') return openPrivacy;
      if (guardedPrivacy === undefined) throw new Error('The guard is not loaded.');
      return guardedPrivacy({
        run_id,
        task_id,
        dir: sealedDir(dir),
        privacy,
        home,
        keys: () => keys.of(task_id),
        keysGiven: () => keys.given(task_id, keysMs),
        replaced,
        log,
      });
    },
  };
}
