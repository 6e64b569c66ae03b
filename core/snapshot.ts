import type { HandleRecord, HandleSummary } from '../schemas/handle.ts';
import type { Decision } from '../schemas/manifest.ts';
import type { Liveness, Outcome, Question, RunSnapshot, Usage } from '../schemas/run.ts';
import type { RunStatus } from '../schemas/run-words.ts';
import { tellEscalations, wordsOfQuestion } from './escalation.ts';
import { fitPreview } from './preview.ts';
import { sanitize } from './sanitize.ts';

/** How an attempt ended, in a few words: `exit 1`, `signal SIGKILL`, `limit output`, `lost`. */
export function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'exit':
      return `exit ${String(outcome.code)}`;
    case 'signal':
      return `signal ${outcome.signal}`;
    case 'limit':
      return `limit ${outcome.which}`;
    case 'spawn':
      return `spawn ${outcome.errno}`;
    case 'engine':
      return `engine ${outcome.code}`;
    case 'cancelled':
      return outcome.reason === undefined ? outcome.kind : `cancelled: ${outcome.reason}`;
    case 'timeout':
    case 'lost':
      return outcome.kind;
  }
}

/** A worker tells no attempt: each is a run of its own there. */
type TriedHandle = HandleRecord & { attempt?: number };

/** What a snapshot is made of. Times are ms since the epoch. */
export interface SnapshotSource {
  run_id: string;
  status: RunStatus;
  label: string | undefined;
  worker: string | undefined;
  attempt: number | undefined;
  accepted_at: number;
  /** When a worker first began it. */
  started_at: number | undefined;
  first_output_at: number | undefined;
  ended_at: number | undefined;
  outcome: Outcome | undefined;
  error: string | undefined;
  waiting_for: string | undefined;
  /** Of a run that waits for a time. */
  not_before: number | undefined;
  /** With the time it is compared with; undefined for a run that does not work. */
  liveness: { told: Liveness; now: number } | undefined;
  question: Question | undefined;
  decisions: readonly Decision[];
  usage: Usage | undefined;
  handles: readonly TriedHandle[];
  preview: string | undefined;
}

/**
 * A run as a tool reply shows it, its preview within `previewTokens`, unless it is a small output in full.
 * What a worker worded is made visible text, whichever worker it was.
 */
export function buildSnapshot(run: SnapshotSource, previewTokens: number): RunSnapshot {
  const { label, worker, attempt, error, waiting_for, usage, started_at: startedAt } = run;
  const preview = run.preview === undefined ? '' : sanitize(fitPreview(run.preview, previewTokens));
  const escalations = tellEscalations(run.decisions);
  const reused = run.handles.reduce((sum, handle) => sum + (handle.reused_bytes ?? 0), 0);
  return {
    run_id: run.run_id,
    status: run.status,
    ...(label !== undefined && { label }),
    ...(worker !== undefined && { worker }),
    ...(attempt !== undefined && { attempt }),
    ...(run.outcome !== undefined && { outcome: sanitize(describeOutcome(run.outcome)) }),
    ...(error !== undefined && { error: sanitize(error) }),
    ...(waiting_for !== undefined && { waiting_for }),
    ...(run.not_before !== undefined && { not_before: run.not_before }),
    ...(run.question !== undefined && { question: wordsOfQuestion(run.question) }),
    ...(startedAt !== undefined && { queued_ms: elapsed(run.accepted_at, startedAt) }),
    ...(startedAt !== undefined &&
      run.first_output_at !== undefined && { ttfu_ms: elapsed(startedAt, run.first_output_at) }),
    ...(startedAt !== undefined &&
      run.ended_at !== undefined && { duration_ms: elapsed(startedAt, run.ended_at) }),
    ...(run.liveness !== undefined && silence(run.liveness)),
    ...(usage !== undefined && { usage }),
    ...(escalations !== undefined && { escalations }),
    ...(run.handles.length > 0 && { handles: summarizeHandles(run.handles) }),
    ...(reused > 0 && { reused_bytes: reused }),
    ...(preview !== '' && { preview }),
  };
}

function silence({ told, now }: NonNullable<SnapshotSource['liveness']>): Partial<RunSnapshot> {
  const isStalled = told.stalled_at !== undefined;
  return { silent_ms: elapsed(told.last_event_at, now), ...(isStalled && { stalled: true }) };
}

/** A clock set back never makes a duration negative. */
function elapsed(from: number, to: number): number {
  return Math.max(0, Math.round(to - from));
}

/** Stage and attempt are named where there is more than one. */
function summarizeHandles(handles: readonly TriedHandle[]): HandleSummary[] {
  const named = new Set(handles.map((handle) => handle.stage)).size > 1;
  const counted = new Set(handles.map((handle) => handle.attempt)).size > 1;
  return handles.map(({ handle_id, stream, name, stage, attempt, bytes, lines }) => ({
    handle_id,
    stream,
    ...(name !== undefined && { name: sanitize(name) }),
    ...(named && { stage: sanitize(stage) }),
    ...(counted && attempt !== undefined && { attempt }),
    bytes,
    lines,
  }));
}
