import { passedLimit } from '../../../core/budget.ts';
import { FleetError } from '../../../core/errors.ts';
import { askedLimits, reachedWords } from '../../../core/limits.ts';
import type { Config } from '../../../schemas/config.ts';
import type { AnsweredBy } from '../../../schemas/manifest.ts';
import type { Pipeline, Stage } from '../../../schemas/pipeline.ts';
import type { LimitName, Outcome, Question } from '../../../schemas/run.ts';
import type { EngineEnd, EngineReport, EngineSession } from '../engines/engine.ts';
import type { HeldRun } from '../limits/held-run.ts';
import type { ActiveClock } from './active-clock.ts';
import { guardedEnd, guardedReport } from './guarded-words.ts';
import { judge, type Cause } from './judge.ts';
import type { LiveRecord } from './live-record.ts';
import { isResumable } from './standing.ts';
import type { RunProgress } from './record.ts';
import { boundedEnd, boundedQuestion, escalationsSpent, noteUnlisted, takeDown } from './run-facts.ts';
import { enterWorkspace } from './run-workspace.ts';
import type { SlotHold } from './slot-hold.ts';
import { createStageRecorder, type OutputBudget } from './stage-recorder.ts';
import { internalFailure, startStage, type Resume, type RunDeps } from './stage-session.ts';

/** What a run executes. */
export interface Recipe {
  pipeline: Pipeline;
  /** The run's own stages, in order. */
  stages: readonly Stage[];
  /** As it holds in the run's folder. */
  config: Config;
}

export type AttemptEnd =
  | { kind: 'over'; outcome: Outcome }
  /** Nothing is left running, and the run can go on where it was. `asked`: by a pause. */
  | { kind: 'suspended'; asked: boolean; interrupted?: RunProgress['interrupted'] };

/** What a run puts out is told by and by, and at once each time it is so much more: its task's bound heeds it. */
const mostUntoldBytes = 32 * 1024 * 1024;
const untoldShare = 1 / 64;

export interface AttemptOptions {
  deps: RunDeps;
  known: LiveRecord;
  slot: SlotHold;
  clock: ActiveClock;
  budget: OutputBudget;
  recipe: Recipe;
  resume: Resume;
  /** Runs of this worker that tried the same before. */
  earlier: readonly string[];
}

const cannotClone = {
  message: 'The work tree could not be cloned.',
  next: "The worker's log has the cause.",
};

/** One try of a run: its stages one after the other, from where its progress says, each in an engine's session. */
export class Attempt {
  /** Never rejects. */
  readonly done: Promise<AttemptEnd>;
  readonly #options: AttemptOptions;
  /** Aborted when the attempt is to end. */
  readonly #ending = new AbortController();
  #session: EngineSession | undefined;
  /** Why it is to end; the first cause wins. */
  #cause: Cause | undefined;
  /** Stands also where the stage ended by itself with the call that passed the limit. */
  #overspent: Cause | undefined;
  #held: HeldRun | undefined;
  /** The limit its processes reached, where that is its end. */
  #reached: Cause | undefined;
  #isPausing = false;
  #isHalted = false;
  /** No stage follows: the attempt is as good as done. */
  #isLeaving = false;
  /** When the latest question came, and later than any before it. */
  #askedAt = 0;
  /** Declines the question that stands, in the end. */
  #patience: NodeJS.Timeout | undefined;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.done = this.#runHeld().catch((error: unknown): AttemptEnd => {
      const { deps, known } = options;
      deps.log.error({ err: error, run_id: known.run_id }, 'a run broke off');
      return { kind: 'over', outcome: internalFailure(known.spec.pipeline).outcome };
    });
  }

  async #runHeld(): Promise<AttemptEnd> {
    try {
      return await this.#runStages();
    } finally {
      await this.#held?.close();
    }
  }

  /** Resolves when the work has stopped: halted where it stands, or the attempt is done. */
  async pause(): Promise<'halted' | 'done'> {
    this.#isPausing = true;
    const session = this.#session;
    try {
      const kind = await Promise.race([session?.pause(), session?.done]);
      if (kind === 'stopped' && this.#session === session) {
        this.#isHalted = true;
        return 'halted';
      }
      await this.done;
      return 'done';
    } finally {
      this.#isPausing = false;
    }
  }

  /** After `halted`. False where its stage has ended meanwhile and the attempt is leaving. */
  continue(): boolean {
    if (this.#isLeaving) return false;
    this.#isHalted = false;
    this.#session?.continue();
    return true;
  }

  async steer(message: string): Promise<void> {
    if (this.#session === undefined) throw new FleetError('WRONG_STATE', 'The run is between two stages.');
    await this.#session.steer(message);
  }

  /**
   * Passes an answer on as soon as the run has a slot again, and resolves when it is passed on, or has
   * to wait for a slot.
   */
  answer(answer: 'accept' | 'decline', by: AnsweredBy): Promise<void> {
    const { known, slot, clock, deps } = this.#options;
    const session = this.#session;
    clearTimeout(this.#patience);
    let passedOn: Promise<void> | undefined;
    let isLate = false;
    slot.regain(() => {
      if (this.#session !== session) return;
      clock.start();
      passedOn = session?.answer(answer, by);
      if (!isLate) return;
      known.regainedSlot();
      passedOn?.catch((error: unknown) => {
        deps.log.warn({ err: error, run_id: known.run_id }, 'nobody waits for an answer any more');
      });
    });
    isLate = true;
    if (known.status === 'input_required' && passedOn === undefined) known.move({ kind: 'answered' });
    return passedOn ?? Promise.resolve();
  }

  end(cause: Cause): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    this.#ending.abort();
    this.#session?.end(cause);
  }

  async #runStages(): Promise<AttemptEnd> {
    const { known, recipe } = this.#options;
    const { progress } = known;
    let { resume } = this.#options;
    const cwd = known.spec.workspace === 'clone' ? await this.#enter() : known.spec.cwd;
    if (typeof cwd !== 'string') return cwd;
    for (
      let stage = recipe.stages[progress.stage];
      stage !== undefined;
      stage = recipe.stages[progress.stage]
    ) {
      if (this.#cause !== undefined) return { kind: 'over', outcome: this.#cause };
      if (this.#isPausing || this.#isHalted) return this.#leave(true);
      const end = boundedEnd(guardedEnd(known.privacy, await this.#runStage(stage, cwd, resume)));
      if (end.error !== undefined) known.facts.error ??= end.error;
      const { stop_on_failure: stopOnFailure } = recipe.pipeline;
      const verdict = judge(end, {
        cause: this.#cause,
        stopOnFailure,
        resumable: isResumable(known.spec, progress),
        isLast: known.spec.max_attempts === 1,
      });
      if (verdict.kind === 'over') return verdict;
      if (verdict.kind === 'interrupted') return this.#breakOff(end);
      if (verdict.kind === 'suspended') return this.#leave(this.#isPausing);
      if (verdict.kind === 'failed') progress.failure ??= verdict.outcome;
      known.toNextStage();
      resume = undefined;
    }
    return { kind: 'over', outcome: progress.failure ?? this.#overspent ?? { kind: 'exit', code: 0 } };
  }

  #breakOff({ outcome, retry_at }: EngineEnd): AttemptEnd {
    this.#isLeaving = true;
    const interrupted = { outcome, ...(retry_at !== undefined && { retry_at }) };
    return { kind: 'suspended', asked: false, interrupted };
  }

  #leave(asked: boolean): AttemptEnd {
    this.#isLeaving = true;
    return { kind: 'suspended', asked };
  }

  /** The folder in the run's private copy its stages work in. */
  async #enter(): Promise<string | AttemptEnd> {
    const { deps, known, clock } = this.#options;
    clock.start();
    try {
      return await enterWorkspace(deps, known, this.#ending.signal);
    } catch (error) {
      if (this.#cause !== undefined) return { kind: 'over', outcome: this.#cause };
      deps.log.warn({ err: error, run_id: known.run_id }, 'a run has no private copy');
      const { message, next } = error instanceof FleetError ? error : cannotClone;
      known.facts.error ??= `${message} ${next}`;
      return { kind: 'over', outcome: { kind: 'engine', code: 'workspace', message } };
    }
  }

  async #runStage(stage: Stage, cwd: string, resume: Resume): Promise<EngineEnd> {
    const { deps, known, clock, budget, recipe } = this.#options;
    const tellBytes = Math.min(mostUntoldBytes, recipe.config.output.task_quota_bytes * untoldShare);
    let toldLeft = budget.left;
    const recorder = createStageRecorder({
      handles: deps.handles,
      run_id: known.run_id,
      stage: stage.name,
      budget,
      now: deps.now,
      earlier: this.#options.earlier,
      guard: known.privacy.stream,
      onOutput: () => {
        const isMuch = toldLeft - budget.left >= tellBytes;
        if (isMuch) toldLeft = budget.left;
        known.tookOutput(isMuch);
      },
      onLimit: (which) => {
        this.end({ kind: 'limit', which });
      },
    });
    known.preview.begin(recorder.previews);
    clock.start();
    const report = (said: EngineReport): void => {
      this.#onReport(guardedReport(known.privacy, said));
    };
    this.#held ??= deps.limits.hold({
      ...recipe,
      spec: known.spec,
      report,
      onReached: (which) => {
        this.#reach(which);
      },
    });
    const session = startStage(deps, {
      run_id: known.run_id,
      spec: known.spec,
      pipeline: recipe.pipeline,
      stage,
      cwd,
      config: recipe.config,
      keepsThreads: known.privacy.keepsThreads,
      output: recorder,
      report,
      escalationBar: () =>
        escalationsSpent(known.facts) ?? deps.limits.escalationBar({ ...recipe, spec: known.spec }),
      resume,
      held: this.#held,
    });
    this.#session = session;
    // Its first output may already have passed a limit.
    if (this.#cause !== undefined) session.end(this.#cause);
    const end = await session.done;
    this.#session = undefined;
    clearTimeout(this.#patience);
    this.#options.slot.regain(() => undefined);
    noteUnlisted(known.facts);
    await recorder.seal();
    known.preview.end();
    // The stage may have ended well; what it put out is not all there.
    if (recorder.diskFailed) return { ...end, outcome: { kind: 'limit', which: 'disk' } };
    return this.#reached === undefined ? end : { ...end, outcome: this.#reached };
  }

  /** Its processes are ended by what holds them; whatever they say by that is not their end. */
  #reach(which: LimitName): void {
    if (this.#cause !== undefined) return;
    const { known, recipe } = this.#options;
    known.facts.error ??= reachedWords(which, askedLimits(recipe.config, recipe.pipeline, known.spec));
    this.#reached = { kind: 'limit', which };
    this.end(this.#reached);
  }

  #onReport(said: EngineReport): void {
    const { known, deps } = this.#options;
    if (said.kind !== 'question') {
      takeDown(known.facts, said, deps.now());
      if (said.kind === 'decision' && said.escalation !== undefined) known.save();
      known.heard(said);
      if (said.kind === 'usage') this.#checkBudget(said.goes_on === true);
    } else if (said.question !== undefined) {
      this.#ask(said.question);
    } else if (known.status === 'input_required') {
      this.#goOn();
    }
  }

  /** Model calls are told as they end: one that passed the limit is paid for, none follows it. */
  #checkBudget(goesOn: boolean): void {
    const { known } = this.#options;
    const { max_tokens, max_turns } = known.spec;
    if (known.facts.usage === undefined || (max_tokens ?? max_turns) === undefined) return;
    // What was used must not be forgotten by a crash.
    known.save();
    const which = passedLimit(known.facts.usage, known.spec, goesOn);
    if (which === undefined) return;
    const limit = String(which === 'tokens' ? max_tokens : max_turns);
    known.facts.error ??= `It has used up what it may: ${limit} ${which}.`;
    this.#overspent ??= { kind: 'limit', which };
    this.end(this.#overspent);
  }

  /** The run rests until the answer: its time does not count, and its slot is for others. */
  #ask(question: Question): void {
    const { known, clock, slot, deps, recipe } = this.#options;
    clock.stop();
    slot.free();
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      this.answer('decline', 'timeout').catch((error: unknown) => {
        deps.log.warn({ err: error, run_id: known.run_id }, 'a question could not be declined');
      });
    }, recipe.config.questions.timeout_ms);
    this.#askedAt = Math.max(deps.now(), this.#askedAt + 1);
    known.move({ kind: 'asked', question: { ...boundedQuestion(question), asked_at: this.#askedAt } });
  }

  /** It asks no more: answered, or its engine thought better of it and works already, slot or not. */
  #goOn(): void {
    const { known, clock, slot } = this.#options;
    clearTimeout(this.#patience);
    slot.regain(() => undefined);
    known.move({ kind: 'answered' });
    clock.start();
  }
}
