import { setImmediate as nextTurn } from 'node:timers/promises';
import { FleetError } from '../../../core/errors.ts';
import type { Outcome, RunSpec } from '../../../schemas/run.ts';
import type { RunStatus } from '../../../schemas/run-words.ts';
import { acceptRuns, recipeOf, type Accepted, type Acceptor, type NewRun } from './accept.ts';
import type { Recipe } from './attempt.ts';
import { ChangeLog } from './changes.ts';
import { EndedRecords } from './ended-records.ts';
import { isForgettable } from './kept-records.ts';
import { LiveRun } from './live-run.ts';
import type { RunHooks, RunStanding } from './live-record.ts';
import type { RunRecord } from './record.ts';
import { RunIndex, type RunEntry } from './run-index.ts';
import type { Slots } from './slots.ts';
import type { RunDeps } from './stage-session.ts';
import {
  endWithoutFiles,
  endingStanding,
  lostError,
  newStanding,
  recovered,
  standingOf,
} from './standing.ts';
import { within } from './within.ts';

/** What becomes of runs that are under way when the worker ends: kept where they can go on later, or cancelled. */
export type CloseHow = 'keep' | 'cancel';

/** Trees are dead within 3 s of being told; a worker that ends waits no longer for one that is not. */
const closeMs = 4_000;

/** The worker's runs: every one it has accepted, until its record is deleted. */
export class Runs {
  readonly changes = new ChangeLog<RunEntry>();
  readonly slots: Slots;
  readonly #index = new RunIndex();
  readonly #deps: RunDeps;
  readonly #ended: EndedRecords;
  #onActivity: () => void = () => undefined;
  /** Calls of start() under way. */
  readonly #starting = new Set<Promise<unknown>>();
  #isClosing = false;

  constructor(deps: RunDeps, slots: Slots) {
    this.#deps = deps;
    this.slots = slots;
    this.#ended = new EndedRecords(deps.files);
  }

  /** Whether the worker is ending and takes no runs. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Whether some run is under way; a question it waits with is declined in the end. */
  get isWorking(): boolean {
    return this.#starting.size > 0 || this.#index.live().some((run) => isUnderWay(run.status));
  }

  /** Called whenever `isWorking` may have changed. */
  watchActivity(onActivity: () => void): void {
    this.#onActivity = onActivity;
  }

  /** Takes in what an earlier process of this worker left, each run as it stands now. */
  restore(records: readonly RunRecord[]): void {
    for (const record of [...records].sort((a, b) => a.accepted_at - b.accepted_at)) {
      const end = endWithoutFiles(record);
      if (end !== undefined) {
        this.#conclude(record, end);
        continue;
      }
      const standing = recovered(record, this.#deps.handles.ofRun(record.detail.run_id), this.#deps.now());
      if (standing !== record) this.#putRight(standing);
      this.#add(standing.detail.status === 'paused' ? this.#makePaused(standing) : endedEntry(standing));
    }
  }

  /** Its work is over; what it changed in its private copy is stored while the worker serves. */
  #conclude(record: RunRecord, outcome: Outcome): void {
    const { entry, run } = this.#make(endingStanding(record), this.#recipeNow(record.spec));
    this.#add(entry);
    run.conclude(outcome, outcome.kind === 'lost' ? lostError : undefined);
  }

  #putRight(record: RunRecord): void {
    const { spec, workspace, detail } = record;
    // A copy that is not on record was never complete.
    const isHalfMade = spec.workspace === 'clone' && workspace === undefined && detail.status === 'failed';
    if (isHalfMade) this.#deps.files.removeWorkspace(detail.run_id);

    try {
      this.#deps.files.write(record);
    } catch (error) {
      this.#deps.log.error({ err: error, run_id: record.detail.run_id }, 'a record could not be written');
      if (record.detail.status === 'failed') this.#ended.keep(record, false);
    }
  }

  /** Starts a batch whole or not at all. SHUTTING_DOWN once the worker ends. */
  async start(specs: readonly RunSpec[], owner: string): Promise<Accepted[]> {
    if (this.#isClosing) throw new FleetError('SHUTTING_DOWN', 'This worker is ending.');
    const accepting = acceptRuns(this.#acceptor(owner), owner, specs);
    const settled = Promise.allSettled([accepting]);
    this.#starting.add(settled);
    try {
      return await accepting;
    } finally {
      this.#starting.delete(settled);
      this.#onActivity();
    }
  }

  /** Ids of the runs that have not ended. */
  live(): string[] {
    return this.#index.live().map((run) => run.run_id);
  }

  /** undefined also for another owner's run. */
  lookUp(runId: string, owner: string): RunEntry | undefined {
    return this.#index.get(runId, owner);
  }

  /** NOT_FOUND where lookUp() finds nothing. */
  find(runId: string, owner: string): RunEntry {
    const entry = this.lookUp(runId, owner);
    if (entry === undefined) throw new FleetError('NOT_FOUND', `There is no run ${runId}.`);
    return entry;
  }

  /** NOT_FOUND as find(); WRONG_STATE where the run has ended. */
  findLive(runId: string, owner: string): LiveRun {
    const entry = this.find(runId, owner);
    if (entry.live !== undefined) return entry.live;
    throw new FleetError('WRONG_STATE', `The run has ended (${entry.status}).`);
  }

  /** NOT_FOUND where the task has no runs here. */
  ofTask(taskId: string, owner: string): readonly RunEntry[] {
    const entries = this.#index.ofTask(taskId, owner);
    if (entries.length === 0) throw new FleetError('NOT_FOUND', `Task "${taskId}" has no runs.`);
    return entries;
  }

  openCount(owner: string): number {
    return this.#index.openCount(owner);
  }

  async record(entry: RunEntry): Promise<RunRecord> {
    return entry.live?.record() ?? (await this.#ended.get(entry.run_id));
  }

  /**
   * Deletes all that is kept of runs that have ended, their handles first: a run without handles is
   * forgotten by the next call. Answers those it keeps.
   */
  async forget(keys: readonly string[], owner: string, dryRun: boolean): Promise<string[]> {
    const kept: string[] = [];
    for (const key of keys) {
      const entry = this.#index.byKey(key, owner);
      if (entry === undefined) continue;
      if (!(await this.#isForgettable(entry))) kept.push(key);
      else if (!dryRun) await this.#forget(entry);
      await nextTurn();
    }
    return kept;
  }

  /** A record that cannot be read tells of nothing to keep. */
  async #isForgettable({ run_id: runId, live }: RunEntry): Promise<boolean> {
    if (live !== undefined) return false;
    const record = await this.#ended.get(runId).catch(() => undefined);
    return record === undefined || isForgettable(record);
  }

  async #forget(entry: RunEntry): Promise<void> {
    const { handles, files } = this.#deps;
    const { run_id: runId, owner } = entry;
    for (const { handle_id: id } of handles.ofRun(runId)) await handles.delete(id);
    // Another call was faster.
    if (this.#index.get(runId, owner) !== entry) return;
    this.#ended.forget(runId);
    this.#index.remove(entry);
    this.changes.remove(entry);
    files.remove(runId);
  }

  /** Runs that would be lost if the worker ended now. */
  keptBack(interrupt: boolean): number {
    return this.#starting.size + this.#index.live().filter((run) => !run.survives(interrupt)).length;
  }

  /** Ends or suspends every run; returns once nothing of them is left running. */
  async close(how: CloseHow): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#starting);
    const live = this.#index.live();
    for (const run of live) {
      if (how === 'keep') run.suspend();
      else run.end({ kind: 'cancelled' });
    }
    const isOver = await within(Promise.all(live.map((run) => run.idle)), closeMs);
    if (!isOver) this.#deps.log.error('a run did not end; what is left of it ends with this process');
    this.#ended.saveLeft();
    await this.#deps.files.removed();
    // Only now: whoever waits is told how its runs ended.
    this.changes.close();
  }

  #acceptor(owner: string): Acceptor {
    return {
      deps: this.#deps,
      index: this.#index,
      slots: this.slots,
      specOf: async (entry) => entry.live?.stored ?? (await this.#ended.get(entry.run_id)).spec,
      make: (spec, recipe) => this.#make(newStanding(owner, spec, this.#deps.now()), recipe),
      add: (entry) => {
        this.#add(entry);
      },
    };
  }

  #add(entry: RunEntry): void {
    this.#index.add(entry);
    this.changes.add(entry);
  }

  #makePaused(record: RunRecord): RunEntry {
    const { spec } = record;
    return this.#make(standingOf(record), this.#recipeNow(spec)).entry;
  }

  /** Without a recipe the run stays paused, and says so when it is resumed. */
  #recipeNow(spec: RunSpec): Recipe | undefined {
    try {
      return recipeOf(this.#deps, spec);
    } catch (error) {
      this.#deps.log.warn({ err: error, cwd: spec.cwd }, 'the project of a paused run cannot be read');
      return undefined;
    }
  }

  #make(standing: RunStanding, recipe: Recipe | undefined): NewRun {
    const { run_id, owner, spec } = standing;
    const hooks: Omit<RunHooks, 'sign'> = {
      changed: (urgency) => {
        // Before it is added nobody knows of it.
        if (entry.seq > 0) this.changes.changed(entry, urgency);
        if (urgency === 'now') this.#onActivity();
      },
      ended: (record, saved) => {
        this.#ended.keep(record, saved);
        this.#index.close(entry, record.detail.status);
        this.changes.over(entry);
        this.#onActivity();
      },
    };
    const { task_id, request_key } = spec;
    const earlier = earlierKeys(request_key).flatMap((key) => this.#index.byKey(key, owner)?.run_id ?? []);
    const run = new LiveRun({ deps: this.#deps, slots: this.slots, hooks, standing, recipe, earlier });
    const entry: RunEntry = { run_id, owner, task_id, request_key, seq: 0, status: run.status, live: run };
    return { entry, run };
  }
}

/** Of the tries before: a coordinator asks for the n-th try of a run as `<run_id>.<n>`. */
function earlierKeys(key = ''): string[] {
  const [, run, attempt] = /^(run_[\w-]{21})\.(\d{1,2})$/.exec(key) ?? [];
  return Array.from(
    { length: Math.max(0, Number(attempt ?? 0) - 1) },
    (_, at) => `${run ?? ''}.${String(at + 1)}`,
  );
}

function isUnderWay(status: RunStatus): boolean {
  return status === 'running' || status === 'input_required';
}

function endedEntry({ owner, spec, detail }: RunRecord): RunEntry {
  const { task_id, request_key } = spec;
  return {
    run_id: detail.run_id,
    owner,
    task_id,
    request_key,
    seq: 0,
    status: detail.status,
    live: undefined,
  };
}
