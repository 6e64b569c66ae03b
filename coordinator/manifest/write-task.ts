import { escapeHidden } from '../../core/visible-json.ts';
import type { Manifest, TaskManifest } from '../../schemas/manifest.ts';
import type { Logger } from '../../platform/log.ts';
import { failpoint } from '../../platform/failpoint.ts';
import type { Config } from '../../schemas/config.ts';
import type { PrivacyMode } from '../../schemas/privacy.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import type { RunStore } from '../store/run-store.ts';
import { buildManifest } from './build-manifest.ts';
import { openTaskFolder } from './export.ts';
import { readOn, taskManifest, type TaskIndex } from './task-index.ts';

export interface TaskWriting {
  store: RunStore;
  runsDir: Config['runs_dir'];
  /** How long runs are kept that have ended. */
  keepMs: number;
  /** Of the guard. */
  mode: PrivacyMode;
  log: Logger;
}

/** Exports the manifests of a task's runs that ended after `written`, or after what the index has, and its index. */
export async function writeTask(index: TaskIndex, written: number, writing: TaskWriting): Promise<void> {
  const { store, runsDir, keepMs, mode, log } = writing;
  const from = index.first === undefined ? written : index.seq;
  // Where the task's folder lies is only known once all its runs are.
  if (index.first === undefined) await readOn(index, store, 0, async () => undefined);
  if (index.first === undefined) return;
  const place = { cwd: index.first.spec.cwd, task_id: index.task_id };
  const exported = await openTaskFolder(place, runsDir, log);
  if (exported === undefined) return;
  try {
    await readOn(index, store, from, async (page) => {
      for (const run of page) {
        if (!isTerminal(run.status)) continue;
        const text = manifestText(buildManifest(run, keepMs, { mode }));
        failpoint('manifest.run.before');
        await attempt(() => exported.writeRun(run.run_id, text), log);
        failpoint('manifest.run.after');
      }
    });
    failpoint('manifest.index.before');
    await attempt(async () => exported.writeIndex(await indexText(index, store)), log);
    failpoint('manifest.index.after');
  } finally {
    await exported.close();
  }
}

async function indexText(index: TaskIndex, store: RunStore): Promise<string> {
  const limits = await store.taskBudget(index.owner, index.task_id);
  const before = await store.spentBefore(index.owner, index.task_id);
  return manifestText(taskManifest(index, limits, before));
}

/** What workers said in it hides nothing from who looks at the file, and obeys no terminal. */
function manifestText(value: Manifest | TaskManifest): string {
  return `${escapeHidden(JSON.stringify(value, undefined, 2))}\n`;
}

/** An export that fails costs nothing but itself: the record that counts is the store's. */
async function attempt(write: () => Promise<void>, log: Logger): Promise<void> {
  await write().catch((error: unknown) => {
    log.warn({ err: error }, 'a manifest was not exported');
  });
}
