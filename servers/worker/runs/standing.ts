import type { Run } from '../../../core/run-state.ts';
import { newRunId } from '../../../platform/ids.ts';
import type { Outcome, RunSpec } from '../../../schemas/run.ts';
import { isTerminal } from '../../../schemas/run-words.ts';
import type { HandleRecord } from '../../../schemas/handle.ts';
import type { Workspace } from '../workspace/clone.ts';
import type { RunStanding } from './live-record.ts';
import type { RunProgress, RunRecord } from './record.ts';
import { emptyFacts, factsOf } from './run-facts.ts';

export const lostError = 'Its worker ended while it was under way.';

/** By its engine's thread; or at a later stage, where repeating that one does no harm. */
export function isResumable(spec: RunSpec, progress: RunProgress): boolean {
  return progress.thread_id !== undefined || (spec.idempotent === true && progress.stage > 0);
}

/** A worker takes a run only into a free slot: it runs from the moment it is accepted. */
export function newStanding(owner: string, spec: RunSpec, now: number): RunStanding {
  return {
    run_id: newRunId(),
    owner,
    accepted_at: now,
    spec,
    state: { status: 'running', started_at: now },
    progress: { stage: 0, active_ms: 0 },
    workspace: undefined,
    facts: emptyFacts(),
    preview: undefined,
  };
}

/** Of a record whose run is paused. */
export function standingOf(record: RunRecord): RunStanding {
  const { detail, how = 'lost' } = record;
  const state: Run = { status: 'paused', how, started_at: detail.started_at };
  return {
    run_id: detail.run_id,
    owner: record.owner,
    accepted_at: record.accepted_at,
    spec: record.spec,
    stored: record.spec,
    state,
    progress: record.progress,
    workspace: workspaceOf(record),
    facts: factsOf(record),
    preview: detail.preview,
    replaced: detail.privacy?.replaced,
  };
}

function workspaceOf({ workspace }: RunRecord): Workspace | undefined {
  if (workspace === undefined) return undefined;
  const { root, cwd, base_tree: baseTree, object_dirs: objectDirs } = workspace;
  return { root, cwd, baseTree, objectDirs };
}

/** Of a record whose run is over, but for the diff of its private copy. */
export function endingStanding(record: RunRecord): RunStanding {
  const standing = standingOf(record);
  return { ...standing, state: { status: 'running', started_at: record.detail.started_at } };
}

/** How a run of an earlier boot ends whose work is over, and whose diff or artifacts are not stored; undefined for all others. */
export function endWithoutFiles({ workspace, progress, how, detail }: RunRecord): Outcome | undefined {
  if (isTerminal(detail.status)) return undefined;
  if (progress.outcome !== undefined) return progress.outcome;
  if (workspace === undefined) return undefined;
  const rests = detail.status === 'paused' && how !== 'stopped';
  return rests || progress.thread_id !== undefined ? undefined : { kind: 'lost', resumable: false };
}

/**
 * The record of an earlier boot as it stands now: the same where the run had ended or was paused at
 * a boundary. Whatever was under way died with the worker: it can go on where its engine's thread
 * is known, else it has failed.
 */
export function recovered(record: RunRecord, handles: HandleRecord[], now: number): RunRecord {
  const { how, ...rest } = record;
  const { question: _question, ...detail } = record.detail;
  if (isTerminal(detail.status) || (detail.status === 'paused' && how !== 'stopped')) return record;
  const resumable = isResumable(record.spec, record.progress);
  const lost = {
    outcome: { kind: 'lost' as const, resumable },
    error: lostError,
  };
  if (resumable) return { ...rest, how: 'lost', detail: { ...detail, ...lost, handles, status: 'paused' } };
  return { ...rest, detail: { ...detail, ...lost, handles, status: 'failed', ended_at: now } };
}
