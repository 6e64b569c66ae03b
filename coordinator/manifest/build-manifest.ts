import { expiryOf } from '../../core/expiry.ts';
import { delegated } from '../../core/route.ts';
import { tellingAttempt } from '../../core/telling-attempt.ts';
import { manifestSchemaVersion, type Manifest, type TaskManifest } from '../../schemas/manifest.ts';
import type { PrivacyMode, RestoreRecord } from '../../schemas/privacy.ts';
import type { RunRecord } from '../store/run-store.ts';

/**
 * The manifest of a run as its record stands. Times ms since the epoch, durations ms; `keepMs`: how long
 * runs are kept that have ended; `mode`: of the guard, where no worker has told of it.
 */
export function buildManifest(
  run: RunRecord,
  keepMs: number,
  { mode, restores = [] }: { mode: PrivacyMode; restores?: readonly RestoreRecord[] },
): Manifest {
  const { first_claimed_at: claimed, first_output_at: output, ended_at: ended } = run;
  const expiresAt = expiryOf(ended, keepMs);
  return {
    schema_version: manifestSchemaVersion,
    run_id: run.run_id,
    task_id: run.spec.task_id,
    task_manifest: '../../manifest.json',
    status: run.status,
    spec: run.spec,
    attempts: run.attempts,
    handles:
      expiresAt === undefined
        ? run.handles
        : run.handles.map((handle) => ({ ...handle, expires_at: expiresAt })),
    ...(run.usage !== undefined && { usage: run.usage }),
    decisions: run.decisions,
    timing: {
      accepted_at: run.accepted_at,
      ...(claimed !== undefined && { queued_ms: elapsed(run.accepted_at, claimed) }),
      ...(claimed !== undefined && output !== undefined && { ttfu_ms: elapsed(claimed, output) }),
      ...(claimed !== undefined && ended !== undefined && { duration_ms: elapsed(claimed, ended) }),
    },
    ...(run.outcome !== undefined && { outcome: run.outcome }),
    privacy: {
      mode: tellingAttempt(run.attempts)?.privacy?.mode ?? mode,
      ...(restores.length > 0 && {
        restores: restores.map(({ task_id: _task, run_id: _run, ...restore }) => restore),
      }),
    },
  };
}

export type IndexEntry = TaskManifest['runs'][number];

/** A run's line in the index of its task. */
export function indexEntry(run: RunRecord): IndexEntry {
  const worker = tellingAttempt(run.attempts)?.placement.worker_id;
  return {
    run_id: run.run_id,
    ...(run.spec.label !== undefined && { label: run.spec.label }),
    pipeline: run.spec.pipeline,
    ...(run.spec.group !== undefined && { group: run.spec.group }),
    ...(run.spec.after !== undefined && { after: run.spec.after }),
    status: run.status,
    ...(worker !== undefined && { worker_id: worker }),
    manifest: `${delegated}/${run.run_id}/manifest.json`,
    handles: run.handles.map((handle) => handle.handle_id),
  };
}

/** Clocks of two machines may differ. */
function elapsed(from: number, to: number): number {
  return Math.max(0, Math.round(to - from));
}
