import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { delegated } from '../../core/route.ts';
import type { Logger } from '../../platform/log.ts';
import type { Config } from '../../schemas/config.ts';
import { openFolder, type Folder } from './folder.ts';

/** One task's files in the folder it was started for: `.runs/<taskId>/`. */
export interface TaskFolder {
  writeRun(runId: string, text: string): Promise<void>;
  writeIndex(text: string): Promise<void>;
  /** The folder of one run; whoever enters closes it. */
  enterRun(runId: string): Promise<Folder>;
  close(): Promise<void>;
}

/**
 * Opens the export folder of a task, made where it is missing. undefined where the configuration
 * wants none, or where something else than folders of ours stands in the way; the log says which.
 */
export async function openTaskFolder(
  place: { cwd: string; task_id: string },
  runsDir: Config['runs_dir'],
  log: Logger,
): Promise<TaskFolder | undefined> {
  if (runsDir === 'off') return undefined;
  const open: Folder[] = [];
  const keep = async (folder: Promise<Folder>): Promise<Folder> => {
    open.push(await folder);
    return folder;
  };
  const close = async (): Promise<void> => {
    await Promise.all(open.map((folder) => folder.close()));
  };
  try {
    const top = await keep(runsDir === 'project' ? projectFolder(place.cwd, keep) : ownFolder(runsDir));
    const task = await keep(top.enter(place.task_id));
    const runs = await keep(task.enter(delegated));
    return {
      async writeRun(runId, text) {
        const folder = await runs.enter(runId);
        try {
          await folder.write('manifest.json', text);
        } finally {
          await folder.close();
        }
      },
      enterRun: (runId) => runs.enter(runId),
      writeIndex: (text) => task.write('manifest.json', text),
      close,
    };
  } catch (error) {
    await close();
    log.warn({ err: error, task: place.task_id, folder: join(place.cwd, '.runs') }, 'manifests not exported');
    return undefined;
  }
}

async function projectFolder(
  cwd: string,
  keep: (folder: Promise<Folder>) => Promise<Folder>,
): Promise<Folder> {
  const project = await keep(openFolder(cwd));
  const runs = await project.enter('.runs');
  await runs.writeNew('.gitignore', '*\n');
  return runs;
}

async function ownFolder(path: string): Promise<Folder> {
  await mkdir(path, { recursive: true });
  return openFolder(path);
}
