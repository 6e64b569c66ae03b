import { transition, type Run, type RunEvent } from '../../../core/run-state.ts';
import type { Liveness, Outcome, RunSpec } from '../../../schemas/run.ts';
import type { RunStatus } from '../../../schemas/run-words.ts';
import type { TypeCounts } from '../../../schemas/privacy.ts';
import type { RunDetail } from '../../../schemas/worker.ts';
import type { EngineReport } from '../engines/engine.ts';
import type { Workspace } from '../workspace/clone.ts';
import type { RunPrivacy } from '../privacy/run-privacy.ts';
import type { RunProgress, RunRecord } from './record.ts';
import type { RunFacts } from './run-facts.ts';
import { createRunPreview, type RunPreview } from './run-preview.ts';
import type { SlotHold } from './slot-hold.ts';
import type { RunDeps } from './stage-session.ts';

export interface RunHooks {
  /** The run gave a sign of life. */
  sign: () => void;
  /** A poll would show something new; `soon` may be told together with what follows. */
  changed: (urgency: 'now' | 'soon' | 'growth') => void;
  /** Once, with the record as it is on disk; `saved: false` where the disk refused it. */
  ended: (record: RunRecord, saved: boolean) => void;
}

/** Where a run stands when it is accepted, or when a worker boots. */
export interface RunStanding {
  run_id: string;
  owner: string;
  accepted_at: number;
  spec: RunSpec;
  /** The spec as it was written down, of a run that was. */
  stored?: RunSpec;
  state: Run;
  progress: RunProgress;
  workspace: Workspace | undefined;
  facts: RunFacts;
  /** Of earlier attempts. */
  preview: string | undefined;
  /** Private values an earlier process of the worker replaced. */
  replaced?: TypeCounts | undefined;
}

/** Most handles a record names: the latest of a run that was resumed very often. */
const maxHandles = 400;

/**
 * What is known of a run that has not ended, and its copy on disk. The state changes through core's
 * `transition` and nowhere else.
 */
export class LiveRecord {
  readonly run_id: string;
  readonly spec: RunSpec;
  /** As it is written down. */
  readonly stored: RunSpec;
  readonly privacy: RunPrivacy;
  readonly facts: RunFacts;
  readonly progress: RunProgress;
  readonly preview: RunPreview;
  /** Its private copy of the work tree, where it has one. */
  workspace: Workspace | undefined;
  readonly #standing: RunStanding;
  readonly #deps: RunDeps;
  readonly #hooks: RunHooks;
  readonly #slot: SlotHold;
  #state: Run;

  constructor(deps: RunDeps, hooks: RunHooks, standing: RunStanding, slot: SlotHold) {
    this.#slot = slot;
    this.#deps = deps;
    this.#hooks = hooks;
    this.#standing = standing;
    this.#state = standing.state;
    this.run_id = standing.run_id;
    this.spec = standing.spec;
    this.privacy = deps.privacy.ofRun(standing.run_id, standing.spec.task_id, standing.replaced);
    this.stored = standing.stored ?? this.privacy.stored(standing.spec);
    this.facts = standing.facts;
    this.progress = standing.progress;
    this.preview = createRunPreview(standing.preview);
    this.workspace = standing.workspace;
  }

  get state(): Run {
    return this.#state;
  }

  get status(): RunStatus {
    return this.#state.status;
  }

  /** An event that does not fit is a mistake of ours: logged, and the state stays. */
  move(event: RunEvent): void {
    const next = this.#after(event);
    if (next === undefined) return;
    this.#state = next;
    this.#sign();
    this.#hooks.changed('now');
  }

  /** It has given no sign of life for too long; the next one takes that back. */
  stalled(): void {
    const now = this.#deps.now();
    this.facts.liveness = { last_event_at: now, ...this.facts.liveness, stalled_at: now };
    this.#hooks.changed('now');
  }

  /** Output was stored. */
  tookOutput(isMuch: boolean): void {
    this.facts.liveness = { ...this.#sign(), last_output_at: this.#deps.now() };
    this.#hooks.changed(isMuch || this.facts.first_output_at === undefined ? 'soon' : 'growth');
    this.facts.first_output_at ??= this.#deps.now();
  }

  /** An engine's report was taken down in `facts`. */
  heard(report: EngineReport): void {
    if (report.kind === 'thread') {
      this.progress.thread_id = report.thread_id;
      this.save();
    }
    this.#sign();
    this.#hooks.changed(report.kind === 'thread' ? 'now' : 'soon');
  }

  /** An answered run has a slot again. */
  regainedSlot(): void {
    this.#hooks.changed('now');
  }

  toNextStage(): void {
    this.progress.stage += 1;
    delete this.progress.thread_id;
    if (this.#state.status === 'input_required') this.move({ kind: 'answered' });
  }

  /**
   * Told only once it is on disk: what a poll has seen ended is ended after a crash, too. Whether the
   * disk took it.
   */
  end(outcome: Outcome): boolean {
    const next = this.#after({ kind: 'ended', at: this.#deps.now(), outcome });
    if (next === undefined) return false;
    const record = this.#recordIn(next);
    const saved = this.#write(record);
    this.#state = next;
    this.#hooks.ended(record, saved);
    return saved;
  }

  /** Puts the record as it is now on disk; a full disk is logged and keeps no run from going on. */
  save(): void {
    this.#write(this.record());
  }

  detail(): RunDetail {
    return this.#detailIn(this.#state);
  }

  record(): RunRecord {
    return this.#recordIn(this.#state);
  }

  #sign(): Liveness {
    const { last_output_at: lastOutputAt } = this.facts.liveness ?? {};
    const sign = {
      last_event_at: this.#deps.now(),
      ...(lastOutputAt !== undefined && { last_output_at: lastOutputAt }),
    };
    this.facts.liveness = sign;
    this.#hooks.sign();
    return sign;
  }

  #after(event: RunEvent): Run | undefined {
    const next = transition(this.#state, event);
    if (next.ok) return next.value;
    this.#deps.log.error(
      { run_id: this.run_id, ...next.error },
      'an event does not fit the state of its run',
    );
    return undefined;
  }

  #write(record: RunRecord): boolean {
    try {
      this.#deps.files.write(record);
      return true;
    } catch (error) {
      this.#deps.log.error({ err: error, run_id: record.detail.run_id }, 'a record could not be written');
      return false;
    }
  }

  #recordIn(state: Run): RunRecord {
    const { owner, accepted_at } = this.#standing;
    return {
      schema_version: 1,
      owner,
      accepted_at,
      spec: this.stored,
      progress: { ...this.progress },
      ...(this.workspace !== undefined && { workspace: recordOf(this.workspace) }),
      ...(state.status === 'paused' && state.how !== 'queued' && { how: state.how }),
      detail: this.#detailIn(state),
    };
  }

  #detailIn(state: Run): RunDetail {
    const { run_id, spec } = this;
    const { first_output_at, liveness, error, usage, decisions, notes, reaping, degraded, engine_thread_id } =
      this.facts;
    const preview = this.preview.text();
    const slot = this.#slot.told;
    return {
      run_id,
      ...(spec.request_key !== undefined && { request_key: spec.request_key }),
      status: state.status,
      started_at: ('started_at' in state ? state.started_at : undefined) ?? this.#standing.accepted_at,
      ...(first_output_at !== undefined && { first_output_at }),
      ...(liveness !== undefined && { liveness }),
      ...endOf(state, this.progress),
      ...(error !== undefined && { error }),
      handles: this.#deps.handles.ofRun(run_id).slice(-maxHandles),
      ...(usage !== undefined && { usage }),
      ...(this.progress.active_ms > 0 && { active_ms: Math.round(this.progress.active_ms) }),
      ...(state.status === 'input_required' && { question: state.question }),
      ...(slot !== undefined && { slot }),
      decisions,
      notes,
      ...(reaping !== undefined && { reaping }),
      ...(degraded.length > 0 && { degraded }),
      ...(engine_thread_id !== undefined && { engine_thread_id }),
      ...(preview !== undefined && { preview }),
      privacy: this.privacy.told(),
    };
  }
}

function recordOf({ root, cwd, baseTree, objectDirs }: Workspace): RunRecord['workspace'] {
  return { root, cwd, base_tree: baseTree, object_dirs: objectDirs };
}

function endOf(
  state: Run,
  { interrupted }: RunProgress,
): Partial<Pick<RunDetail, 'ended_at' | 'outcome' | 'retry_at'>> {
  if ('ended_at' in state) return { ended_at: state.ended_at, outcome: state.outcome };
  if (state.status !== 'paused') return {};
  if (state.how === 'lost') return interrupted ?? { outcome: { kind: 'lost', resumable: true } };
  if (state.how === 'put_away') return { outcome: { kind: 'lost', resumable: true, orderly: true } };
  return {};
}
