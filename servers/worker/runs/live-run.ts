import { FleetError } from '../../../core/errors.ts';
import { statusOf, type PauseHow } from '../../../core/run-state.ts';
import type { Input } from '../../../mcp/handlers.ts';
import type { Outcome, RunSpec } from '../../../schemas/run.ts';
import { isTerminal, type RunStatus } from '../../../schemas/run-words.ts';
import type { WorkerContracts } from '../../../schemas/tools.ts';
import type { RunDetail } from '../../../schemas/worker.ts';
import type { Workspace } from '../workspace/clone.ts';
import { keepArtifacts } from '../artifacts/keep-artifacts.ts';
import { createActiveClock, type ActiveClock } from './active-clock.ts';
import { Attempt, type AttemptEnd, type Recipe } from './attempt.ts';
import { boundsOf } from './bounds.ts';
import type { Cause } from './judge.ts';
import { LiveRecord, type RunHooks, type RunStanding } from './live-record.ts';
import type { RunRecord } from './record.ts';
import { isResumable } from './standing.ts';
import { takeDown } from './run-facts.ts';
import { storeDiff } from './run-workspace.ts';
import { SlotHold } from './slot-hold.ts';
import type { Slots } from './slots.ts';
import { createStallWatch, withWatch } from './stall-watch.ts';
import type { OutputBudget } from './stage-recorder.ts';
import { needsHome, type Resume, type RunDeps } from './stage-session.ts';

export interface LiveRunOptions {
  deps: RunDeps;
  slots: Slots;
  hooks: Omit<RunHooks, 'sign'>;
  standing: RunStanding;
  /** undefined where the configuration has the pipeline no more. */
  recipe: Recipe | undefined;
  /** Runs of this worker that tried the same before. */
  earlier: readonly string[];
}

export type ResumeAsked = Omit<Input<WorkerContracts['resume_run']>, 'run_id'>;

/** One run that has not ended, and what may be asked of it. */
export class LiveRun {
  readonly run_id: string;
  readonly spec: RunSpec;
  readonly #deps: RunDeps;
  readonly #slot: SlotHold;
  readonly #recipe: Recipe | undefined;
  readonly #earlier: readonly string[];
  readonly #known: LiveRecord;
  readonly #clock: ActiveClock;
  readonly #budget: OutputBudget;
  readonly #maxDiffBytes: number;
  #attempt: Attempt | undefined;
  #cause: Cause | undefined;
  #idle: Promise<void> = Promise.resolve();
  /** Its work is over, its diff and artifacts are not stored yet. */
  #isEnding = false;

  constructor({ deps, slots, hooks, standing, recipe, earlier }: LiveRunOptions) {
    this.#earlier = earlier;
    this.run_id = standing.run_id;
    this.spec = standing.spec;
    this.#deps = deps;
    this.#slot = new SlotHold(slots);
    this.#recipe = recipe;
    const watch = createStallWatch({
      stallMs: standing.spec.stall_ms ?? recipe?.config.scheduling.stall_ms,
      onStall: () => {
        this.#stalled();
      },
    });
    this.#known = new LiveRecord(deps, { ...hooks, sign: watch.sign }, standing, this.#slot);
    const { wallMs, outputBytes, notes } = boundsOf(standing.spec, recipe?.config.limits);
    for (const text of notes) takeDown(standing.facts, { kind: 'note', text }, deps.now());
    const stored = deps.handles.ofRun(this.run_id).reduce((sum, handle) => sum + handle.bytes, 0);
    this.#maxDiffBytes = outputBytes;
    this.#budget = { left: Math.max(0, outputBytes - stored) };
    const clock = createActiveClock({
      limitMs: wallMs,
      spentMs: standing.progress.active_ms,
      onLimit: () => {
        this.end({ kind: 'timeout', wall_ms: wallMs });
      },
    });
    this.#clock = withWatch(clock, watch);
  }

  /** Its spec as it is written down. */
  get stored(): RunSpec {
    return this.#known.stored;
  }

  get status(): RunStatus {
    return this.#known.status;
  }

  /** Settles when nothing is under way: the run is paused at a boundary or has ended. Never rejects. */
  get idle(): Promise<void> {
    return this.#idle;
  }

  detail(): RunDetail {
    return this.#known.detail();
  }

  record(): RunRecord {
    return this.#known.record();
  }

  /** Begins a new run, whose slot is already taken. */
  begin(): void {
    this.#slot.adopt();
    this.#idle = this.#try(undefined);
  }

  /** Resolves when the work has stopped. WRONG_STATE where the run has ended, or ends meanwhile. */
  async pause(): Promise<PauseHow> {
    if (this.status !== 'paused' && !isTerminal(this.status)) {
      const attempt = this.#attempt;
      if ((await attempt?.pause()) !== 'halted') await this.#idle;
      else if (this.#attempt === attempt) this.#hold('stopped');
    }
    const { state } = this.#known;
    if (state.status === 'paused') return state.how;
    throw new FleetError('WRONG_STATE', `The run is ${state.status}; only a run under way can be paused.`);
  }

  /** Goes on after a pause, answers a question, or gives running work a message. */
  async resume({ message, answer, by = 'client', asked_at: askedAt }: ResumeAsked): Promise<void> {
    const { state } = this.#known;
    this.#checkResume(state.status, answer);
    if (state.status === 'input_required' && askedAt !== undefined && askedAt !== state.question.asked_at) {
      throw new FleetError('WRONG_STATE', 'The run asks something else by now.');
    }
    if (state.status === 'paused' && state.how !== 'stopped') return this.#restart(state.how, message);
    if (answer !== undefined) await this.#attempt?.answer(answer, by);
    if (message !== undefined) await this.#attempt?.steer(message);
    if (this.status === 'paused') await this.#continue();
  }

  /** Ends the run for this cause, whatever it is doing. Idempotent; `idle` settles when it is over. */
  end(cause: Cause): void {
    if (isTerminal(this.status) || this.#cause !== undefined) return;
    this.#cause = cause;
    if (this.#attempt !== undefined) this.#attempt.end(cause);
    else if (this.status === 'paused') this.#idle = this.#finish(cause);
  }

  /** Its task may store so much of it, and no more; it ends, at once where it is beyond that. */
  limitBytes(maxBytes: number, error: string): void {
    const stored = this.#deps.handles.ofRun(this.run_id).reduce((sum, handle) => sum + handle.bytes, 0);
    const endForRoom = (): void => {
      if (isTerminal(this.status) || this.#cause !== undefined) return;
      this.#known.facts.error ??= error;
      this.end({ kind: 'limit', which: 'disk' });
    };
    this.#budget.room = { left: Math.max(0, maxBytes - stored), onPassed: endForRoom };
    if (stored > maxBytes) endForRoom();
  }

  /** Ends a run an earlier process left, by storing what it changed. */
  conclude(outcome: Outcome, error: string | undefined): void {
    if (error !== undefined) this.#known.facts.error ??= error;
    this.#idle = this.#finish(outcome);
  }

  /** The worker ends: what can go on later is kept for it, everything else is lost. */
  suspend(): void {
    if (this.status === 'paused' && this.#attempt === undefined) return;
    const resumable = isResumable(this.spec, this.#known.progress);
    this.end({ kind: 'lost', resumable, ...(resumable && { orderly: true }) });
  }

  /** Whether it could go on in another process of this worker; `interrupt`: were its turn broken off now. */
  survives(interrupt: boolean): boolean {
    if (isTerminal(this.status)) return true;
    if (this.#isEnding || this.#cause !== undefined) return false;
    if (this.#attempt === undefined) return this.status === 'paused';
    return interrupt && this.#known.progress.thread_id !== undefined;
  }

  #checkResume(status: RunStatus, answer: string | undefined): void {
    if (isTerminal(status) || this.#cause !== undefined || this.#isEnding) {
      const what = isTerminal(status) ? status : 'ending';
      throw new FleetError('WRONG_STATE', `The run is ${what}; there is nothing to resume.`);
    }
    if (status === 'input_required' && answer === undefined) {
      throw new FleetError('WRONG_STATE', 'The run waits for an answer.', {
        next: `resume_run {"run_id":"${this.run_id}","answer":"accept"} or "decline"`,
      });
    }
    if (status !== 'input_required' && answer !== undefined) {
      throw new FleetError('WRONG_STATE', `The run is ${status} and asks nothing.`);
    }
  }

  /** As the configuration says; a conversation that is broken off goes on in another process. */
  #stalled(): void {
    const { on_stall: policy = 'report', stall_ms: configuredMs } = this.#recipe?.config.scheduling ?? {};
    const stallMs = this.spec.stall_ms ?? configuredMs ?? 0;
    this.#known.stalled();
    if (policy === 'report') return;
    this.#known.facts.error ??= `No sign of life for ${String(stallMs)} ms.`;
    if (policy === 'cancel') this.end({ kind: 'cancelled', reason: 'stalled' });
    else if (this.#known.progress.thread_id === undefined) this.end({ kind: 'timeout', wall_ms: stallMs });
    else this.end({ kind: 'lost', resumable: true });
  }

  async #continue(): Promise<void> {
    if (this.#attempt?.continue() === true) {
      this.#known.move({ kind: 'resumed' });
      this.#clock.start();
      return;
    }
    // Its stage ended in the instant it was halted.
    await this.#idle;
    await this.resume({});
  }

  /** A new attempt at the stage that was under way. NO_CAPACITY where no slot is free. */
  async #restart(how: PauseHow, message: string | undefined): Promise<void> {
    const { thread_id: threadId } = this.#known.progress;
    if (message !== undefined && threadId === undefined) {
      throw new FleetError('WRONG_STATE', 'The run has no conversation yet; resume it without a message.');
    }
    this.#slot.take();
    this.#known.facts.error = undefined;
    delete this.#known.progress.interrupted;
    this.#known.move({ kind: 'resumed' });
    const ready = this.#prepareAgain();
    const resume = threadId === undefined ? undefined : { thread_id: threadId, message };
    this.#idle = ready.then(
      () => this.#try(resume),
      () => this.#fallBack(how),
    );
    await ready;
  }

  async #prepareAgain(): Promise<void> {
    if (this.#recipe === undefined) {
      throw new FleetError('WRONG_STATE', `Pipeline "${this.spec.pipeline}" is no longer configured.`);
    }
    const { pipeline, stages, config } = this.#recipe;
    for (const stage of stages.slice(this.#known.progress.stage)) {
      await this.#deps.engines[stage.engine].check(stage, pipeline, this.spec, config);
    }
    await this.#deps.sandbox.check({ ...this.#recipe, cwd: this.spec.cwd });
    await this.#deps.limits.check({ ...this.#recipe, spec: this.spec });
    this.#deps.files.prepare(this.run_id, { home: needsHome(stages) });
    // Before anything runs: a crash must not find a run that looks paused on purpose.
    this.#deps.files.write(this.record());
  }

  async #fallBack(how: PauseHow): Promise<void> {
    this.#known.move({ kind: 'paused', how });
    this.#slot.release();
    if (this.#cause !== undefined) await this.#finish(this.#cause);
  }

  async #try(resume: Resume): Promise<void> {
    if (this.#recipe === undefined) return;
    this.#attempt = new Attempt({
      deps: this.#deps,
      known: this.#known,
      slot: this.#slot,
      clock: this.#clock,
      budget: this.#budget,
      recipe: this.#recipe,
      resume,
      earlier: this.#earlier,
    });
    if (this.#cause !== undefined) this.#attempt.end(this.#cause);
    const end = await this.#attempt.done;
    this.#attempt = undefined;
    await this.#settle(end);
  }

  async #settle(end: AttemptEnd): Promise<void> {
    if (end.kind === 'over') {
      await this.#finish(end.outcome);
      return;
    }
    await this.#deps.files.removeTmp(this.run_id);
    const isPutAway = this.#cause?.kind === 'lost' && this.#cause.orderly === true;
    // Broken off because it stalled: it can be resumed here.
    if (this.#cause?.kind === 'lost' && !isPutAway) this.#cause = undefined;
    if (end.interrupted !== undefined) this.#known.progress.interrupted = end.interrupted;
    this.#hold(end.asked ? 'turn_boundary' : isPutAway ? 'put_away' : 'lost');
    this.#slot.release();
    // Cancelled in the meantime: there was no attempt to tell.
    if (this.#cause !== undefined && this.#cause.kind !== 'lost') await this.#finish(this.#cause);
  }

  #hold(how: PauseHow): void {
    this.#stopClock();
    this.#known.move({ kind: 'paused', how });
    this.#known.save();
  }

  /** At once, but for a run whose diff or artifacts have to be stored first. Never rejects. */
  #finish(outcome: Outcome): Promise<void> {
    if (isTerminal(this.status) || this.#isEnding) return Promise.resolve();
    this.#stopClock();
    const { workspace } = this.#known;
    if (workspace !== undefined || this.spec.artifacts !== undefined)
      return this.#finishWithFiles(workspace, outcome);
    this.#close(outcome);
    return Promise.resolve();
  }

  /** The copy goes once its diff, and the record that says so, are on disk. */
  async #finishWithFiles(workspace: Workspace | undefined, outcome: Outcome): Promise<void> {
    const known = this.#known;
    this.#isEnding = true;
    known.progress.outcome = outcome;
    known.save();
    const stages = this.#recipe?.stages ?? [];
    const stage = (stages[known.progress.stage] ?? stages.at(-1))?.name ?? 'workspace';
    const cwd = workspace?.cwd ?? this.spec.cwd;
    if (this.spec.artifacts !== undefined)
      await keepArtifacts(this.#deps, known, { cwd, stage, budget: this.#budget });
    if (workspace === undefined) {
      delete known.progress.outcome;
      this.#close(outcome);
      return;
    }
    const fault = await storeDiff(this.#deps, known, {
      workspace,
      recipe: this.#recipe,
      stage,
      maxBytes: this.#maxDiffBytes,
    });
    delete known.progress.outcome;
    if (fault === undefined) known.workspace = undefined;
    else if (fault.kind === 'engine') known.facts.error ??= fault.message;
    const isSaved = this.#close(fault !== undefined && statusOf(outcome) === 'completed' ? fault : outcome);
    if (isSaved && fault === undefined) this.#deps.files.removeWorkspace(this.run_id);
  }

  #close(outcome: Outcome): boolean {
    this.#deps.files.removePrivate(this.run_id, { home: needsHome(this.#recipe?.stages ?? []) });
    this.#slot.release();
    return this.#known.end(outcome);
  }

  #stopClock(): void {
    this.#clock.stop();
    this.#known.progress.active_ms = this.#clock.spentMs;
  }
}
