import type { Manifest } from '../../schemas/manifest.ts';
import { openSqliteRunReader } from '../store/sqlite-run-reader.ts';
import { buildManifest } from './build-manifest.ts';

/** The manifests of a state folder, read beside whoever writes them, or where nobody does. */
export interface KeptManifests {
  /** As the run stands now; undefined for one that is not kept. STORE_UNAVAILABLE where it cannot be read. */
  of(runId: string): Manifest | undefined;
  close(): void;
}

/** `keepMs`: how long runs are kept that have ended. Raises where there is no database. */
export function openKeptManifests(database: string, keepMs: number): KeptManifests {
  const reader = openSqliteRunReader(database);
  return {
    of(runId) {
      const run = reader.get(runId);
      return run && buildManifest(run, keepMs);
    },
    close: reader.close,
  };
}
