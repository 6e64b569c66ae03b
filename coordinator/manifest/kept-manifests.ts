import { toldCountsOf } from '../../core/token-ledger.ts';
import type { Manifest } from '../../schemas/manifest.ts';
import type { PrivacyMode } from '../../schemas/privacy.ts';
import { restoreRecordOf } from '../privacy/restore-record.ts';
import { openSqliteRunReader } from '../store/sqlite-run-reader.ts';
import { openVaultReader } from '../store/vault-store.ts';
import { buildManifest } from './build-manifest.ts';

/** The manifests of a state folder, read beside whoever writes them, or where nobody does. */
export interface KeptManifests {
  /** As the run stands now; undefined for one that is not kept. STORE_UNAVAILABLE where it cannot be read. */
  of(runId: string): Manifest | undefined;
  close(): void;
}

/** Most times values were put back that a manifest lists. */
const mostRestores = 200;

/**
 * `keepMs`: how long runs are kept that have ended; `mode`: of the guard, for runs no worker has told of.
 * Raises where there is no database.
 */
export function openKeptManifests(database: string, keepMs: number, mode: PrivacyMode): KeptManifests {
  const reader = openSqliteRunReader(database);
  const vault = openVaultReader(database);
  return {
    of(runId) {
      const run = reader.get(runId);
      if (run === undefined) return undefined;
      const restores = vault.restores({ run_id: runId }, mostRestores).map(restoreRecordOf);
      const told = reader.told(runId);
      const manifest = buildManifest(run, keepMs, { mode, restores: restores.toReversed() });
      return told === undefined ? manifest : { ...manifest, told: toldCountsOf(told) };
    },
    close: () => {
      vault.close();
      reader.close();
    },
  };
}
