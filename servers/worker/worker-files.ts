import { join } from 'node:path';
import { openBlobs } from '../../platform/blobs/blobs.ts';
import { lockWorker } from './lock.ts';
import { openFileHandleStore } from './output/file-handle-store.ts';
import { isForgettable } from './runs/kept-records.ts';
import { openRecordFiles } from './runs/record-files.ts';
import type { RunRecord } from './runs/record.ts';

/** What a worker has left on disk while no process of it runs. */
export interface WorkerFiles {
  /** As the worker's own request does: answers the keys it keeps. */
  forget(keys: readonly string[], dryRun: boolean): Promise<string[]>;
  close(): Promise<void>;
}

export interface WorkerPlace {
  /** The worker's own folder. */
  dir: string;
  blobDir: string;
  id: string;
}

/** CONFLICT where the worker runs. */
export async function openWorkerFiles({ dir, blobDir, id }: WorkerPlace): Promise<WorkerFiles> {
  const unlock = await lockWorker(dir, id);
  try {
    const files = openRecordFiles(dir);
    const handles = await openFileHandleStore(join(dir, 'handles'), openBlobs(blobDir));
    const byKey = new Map<string, RunRecord>();
    for (const record of files.readAll()) byKey.set(record.spec.request_key ?? '', record);
    return {
      async forget(keys, dryRun) {
        const known = keys.flatMap((key) => byKey.get(key) ?? []);
        const doomed = known.filter(isForgettable);
        for (const { detail, spec } of dryRun ? [] : doomed) {
          for (const handle of handles.ofRun(detail.run_id)) await handles.delete(handle.handle_id);
          files.remove(detail.run_id);
          byKey.delete(spec.request_key ?? '');
        }
        return known.flatMap((record) => (doomed.includes(record) ? [] : (record.spec.request_key ?? [])));
      },
      async close() {
        await files.removed();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}
