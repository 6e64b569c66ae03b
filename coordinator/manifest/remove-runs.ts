import { delegated } from '../../core/route.ts';
import type { Config } from '../../schemas/config.ts';
import type { RunRecord, RunStore } from '../store/run-store.ts';
import { openFolder, type Folder } from './folder.ts';

/** What is to go of one task: the manifests of these runs, and its index where none of its runs is left. */
export interface TaskRemoval {
  /** Of the task's first run: where its files lie. */
  cwd: string;
  task_id: string;
  run_ids: readonly string[];
  isWhole: boolean;
}

/** For runs of one task that are still in the store. */
export async function removalOf(
  runs: readonly RunRecord[],
  store: Pick<RunStore, 'firstOf' | 'select'>,
): Promise<TaskRemoval | undefined> {
  const [run] = runs;
  if (run === undefined) return undefined;
  const { owner, spec } = run;
  const { task_id } = spec;
  const first = (await store.firstOf(owner, task_id)) ?? run;
  const some = await store.select({ owner, task_id, after_seq: 0, limit: runs.length + 1 });
  const run_ids = runs.map((one) => one.run_id);
  const isWhole = some.every((one) => run_ids.includes(one.run_id));
  return { cwd: first.spec.cwd, task_id, run_ids, isWhole };
}

/**
 * Removes what the fleet has exported of runs, and the folders that are empty then. Files somebody had
 * exported there stay, and so does all that is in no folder of ours. Never raises for what is not there.
 */
export async function removeExports(removal: TaskRemoval, runsDir: Config['runs_dir']): Promise<void> {
  const open: Folder[] = [];
  const keep = (folder: Folder | undefined): Folder | undefined => {
    if (folder !== undefined) open.push(folder);
    return folder;
  };
  try {
    const runs = keep(await runsFolder(removal.cwd, runsDir));
    const task = keep(await runs?.find(removal.task_id));
    const exported = keep(await task?.find(delegated));
    for (const runId of removal.run_ids) {
      const run = keep(await exported?.find(runId));
      await run?.remove('manifest.json');
      await exported?.remove(runId);
    }
    if (!removal.isWhole) return;
    await task?.remove('manifest.json');
    await task?.remove(delegated);
    await runs?.remove(removal.task_id);
  } finally {
    await Promise.all(open.map((folder) => folder.close()));
  }
}

async function runsFolder(cwd: string, runsDir: Config['runs_dir']): Promise<Folder | undefined> {
  if (runsDir === 'off') return undefined;
  const top = await openFolder(runsDir === 'project' ? cwd : runsDir).catch(() => undefined);
  if (runsDir !== 'project' || top === undefined) return top;
  try {
    return await top.find('.runs');
  } finally {
    await top.close();
  }
}
