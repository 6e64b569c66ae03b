import { openKeptManifests } from '../../coordinator/manifest/kept-manifests.ts';
import type { Manifest } from '../../schemas/manifest.ts';

const dayMs = 86_400_000;

/** The manifest of a run as a state folder keeps it; undefined where it keeps none. */
export function keptManifest({ database }: { database: string }, runId: string): Manifest | undefined {
  const kept = openKeptManifests(database, 30 * dayMs, 'enforce');
  try {
    return kept.of(runId);
  } finally {
    kept.close();
  }
}
