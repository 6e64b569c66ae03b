import { randomBytes } from 'node:crypto';
import { keyBytes } from '../../../platform/privacy/keys.ts';
import type { Logger } from '../../../platform/log.ts';
import type { Config } from '../../../schemas/config.ts';
import { privacyParams } from '../../../schemas/privacy.ts';
import { openPrivacy, type RunPrivacy, type TaskKeys } from './run-privacy.ts';
import { readDiffFile } from './sealed-diff.ts';
import { diffFile, sealedDir } from './sealed-files.ts';
import { openSealedValues, type SealedValues } from './sealed-values.ts';

/** The keys of tasks, in memory only, and what they are for. */
export interface WorkerPrivacy {
  /** Takes the params of a notification; anything else is ignored. Later keys of a task replace earlier ones. */
  take(params: unknown): void;
  ofRun(runId: string, taskId: string): RunPrivacy;
  sealedOf(runId: string): Pick<SealedValues, 'read' | 'remove'>;
  /** Of a run's sealed diff. */
  readDiff(runId: string, from: number, most: number): Buffer | undefined;
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
  const tasks = new Map<string, TaskKeys>();

  function keysOf(taskId: string): TaskKeys {
    const known = tasks.get(taskId);
    if (known !== undefined) return known;
    // Nobody has given any: surrogates then are this worker's own, and nobody can undo them.
    const own = { surrogateKey: randomBytes(keyBytes), publicKey: randomBytes(keyBytes) };
    tasks.set(taskId, own);
    return own;
  }
  return {
    readDiff: (runId, from, most) => readDiffFile(diffFile(sealedDir(dir), runId), from, most),
    sealedOf: (runId) => openSealedValues(sealedDir(dir), runId),
    take(params) {
      const given = privacyParams.safeParse(params);
      if (!given.success) return;
      const { task_id: taskId, surrogate_key: surrogateKey, public_key: publicKey } = given.data;
      const keys = {
        surrogateKey: Buffer.from(surrogateKey, 'base64'),
        publicKey: Buffer.from(publicKey, 'base64'),
      };
      if (keys.surrogateKey.length === keyBytes && keys.publicKey.length === keyBytes)
        tasks.set(taskId, keys);
    },
    ofRun: (run_id, task_id) =>
      guarded?.guardedPrivacy({
        run_id,
        task_id,
        dir: sealedDir(dir),
        privacy,
        home,
        keys: () => keysOf(task_id),
        log,
      }) ?? openPrivacy,
  };
}
