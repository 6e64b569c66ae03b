import { FleetError } from '../../core/errors.ts';
import { openBlobs } from '../../platform/blobs/blobs.ts';
import { takeLock } from '../../platform/lock.ts';
import type { Logger } from '../../platform/log.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import type { Config } from '../../schemas/config.ts';
import type { Collected } from '../../schemas/operator.ts';
import { systemClock } from '../clock.ts';
import { openReplicaFolder } from '../replicas/folder.ts';
import { createManifests } from '../manifest/manifests.ts';
import { openSqliteRunStore } from '../store/sqlite-run-store.ts';
import { createRetention } from './retention.ts';
import type { AskWorker } from './tell-workers.ts';

export interface OfflineOptions {
  paths: FleetPaths;
  config: Config;
  ask: AskWorker;
  log: Logger;
  dryRun: boolean;
}

/** What a coordinator would collect, in a state folder where none runs. CONFLICT where one does. */
export async function collectOffline({
  paths,
  config,
  ask,
  log,
  dryRun,
}: OfflineOptions): Promise<Collected> {
  const lock = takeLock(paths.lockFile);
  if (lock === undefined)
    throw new FleetError('CONFLICT', 'A coordinator has just been started.', { next: 'Call again.' });
  try {
    const store = await openSqliteRunStore(paths.database);
    try {
      const { stateDir, exportMark: markFile } = paths;
      const manifests = await createManifests({
        store,
        log,
        markFile,
        runsDir: config.runs_dir,
        keepMs: config.output.keep_ms,
        mode: config.privacy.mode,
        isBusy: () => false,
      });
      const blobs = openBlobs(paths.blobDir);
      const replicas = openReplicaFolder(paths.replicaDir, paths.blobDir);
      const changes = { forget: () => undefined };
      const retention = createRetention({
        store,
        manifests,
        changes,
        replicas,
        blobs,
        stateDir,
        ask,
        output: config.output,
        clock: systemClock,
        log,
      });
      const collected = await retention.collect(dryRun);
      await manifests.close();
      return collected;
    } finally {
      await store.close();
    }
  } finally {
    lock.release();
  }
}
