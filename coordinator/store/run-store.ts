import type { ToldRow } from '../../core/token-ledger.ts';
import type { HandleRecord } from '../../schemas/handle.ts';
import type { AttemptRecord, Decision, Hedge, Placement, Retry } from '../../schemas/manifest.ts';
import type { AttemptPrivacy } from '../../schemas/privacy.ts';
import type {
  Liveness,
  Outcome,
  Question,
  Reserved,
  RunSpec,
  Spent,
  TaskBudget,
  Usage,
} from '../../schemas/run.ts';
import type { RunStatus } from '../../schemas/run-words.ts';

export interface StoredHandle extends HandleRecord {
  worker_id: string;
  /** The attempt that put it out. */
  attempt: number;
}

/** A run as the coordinator knows it. `seq` rises with every change of any run. */
export interface RunRecord {
  run_id: string;
  owner: string;
  seq: number;
  spec: RunSpec;
  status: RunStatus;
  /** Order of arrival; the queue is first in, first out. */
  arrival: number;
  accepted_at: number;
  first_claimed_at: number | undefined;
  first_output_at: number | undefined;
  ended_at: number | undefined;
  /** Of a run that waits: when it may be placed again. */
  not_before: number | undefined;
  attempts: AttemptRecord[];
  handles: StoredHandle[];
  usage: Usage | undefined;
  question: Question | undefined;
  decisions: Decision[];
  outcome: Outcome | undefined;
  error: string | undefined;
  preview: string | undefined;
  /** Asked for while it ran: acted on as soon as the worker can be reached. */
  cancel_requested: boolean;
  /** Why, where it was not asked for by name. */
  cancel_reason: string | undefined;
}

export interface NewRun {
  run_id: string;
  owner: string;
  spec: RunSpec;
  now: number;
}

export type Submitted =
  | { kind: 'created'; run: RunRecord }
  | { kind: 'existing'; run: RunRecord }
  /** The key belongs to a run with another spec: `run_id`, which may be an earlier one of the same batch. */
  | { kind: 'conflict'; run_id: string }
  /** Its task has a budget that allows no more runs, or that `task_budget` would raise. */
  | { kind: 'over_budget'; which: keyof TaskBudget; limit: number; raises: boolean }
  /** Sound in itself, but not created because another run of its batch was refused. */
  | { kind: 'withheld' };

export interface Claim {
  run_id: string;
  placement: Placement;
  boot_id: string;
  /** What the attempt may use. */
  reserved?: Reserved;
  /** A second attempt, of a run whose only one runs. */
  hedge?: Hedge;
  lease_ms: number;
  now: number;
}

/**
 * Written only while `attempt` has not ended: a worker that lost its lease changes nothing. Of an
 * attempt another one has won over, only its handles are still taken.
 */
export interface Fence {
  run_id: string;
  attempt: number;
  now: number;
}

/** Handles are replaced by id, decisions and notes added where new: the same report twice changes nothing more. */
export interface Progress extends Fence {
  status?: 'running' | 'paused' | 'input_required';
  remote_run_id?: string;
  started_at?: number;
  first_output_at?: number;
  liveness?: Liveness;
  engine_thread_id?: string;
  reaping?: string;
  degraded?: string[];
  notes?: string[];
  handles?: StoredHandle[];
  /** Of the worker's run so far: also what earlier attempts used that it goes on with. */
  usage?: Usage;
  /** The same of the time it worked. */
  active_ms?: number;
  /** Its fields replace those known. */
  privacy?: AttemptPrivacy;
  /** null: no longer asking. */
  question?: Question | null;
  decisions?: Decision[];
  preview?: string;
}

export interface Finish extends Fence {
  /** Taken in first, as one change with the end. */
  told?: Progress;
  status: 'completed' | 'failed' | 'cancelled';
  outcome: Outcome;
  handles: StoredHandle[];
  usage?: Usage | undefined;
  error?: string | undefined;
  preview?: string | undefined;
  notes?: string[];
  decisions?: Decision[];
}

/** An attempt is over and its run goes on. */
export interface Requeue extends Fence {
  outcome: Outcome;
  /** Absent where the attempt never began. */
  retry?: Retry;
  not_before?: number;
}

/** The end of a run no worker has. */
export interface Ending {
  run_id: string;
  now: number;
  outcome: Outcome;
  error: string;
}

/** A task that may not use as much as it likes. */
export interface TaskRow {
  limits: TaskBudget;
  /** Runs it was given so far. */
  runs: number;
  /** What those have used that are forgotten. */
  spent?: Spent;
}

/** A run that has ended, as far as it matters for how long it is kept. */
export interface EndedRun {
  run_id: string;
  arrival: number;
  ended_at: number;
  /** Of its handles: how many, and their contents together. */
  handles: number;
  bytes: number;
}

/** A run a worker has still to forget: it knows its attempts by their keys. */
export interface Owed {
  worker_id: string;
  run_id: string;
  attempts: number;
}

export interface FoundHandle {
  run_id: string;
  owner: string;
  /** When its run ended. */
  ended_at: number | undefined;
  handle: StoredHandle;
}

export interface Selection {
  owner: string;
  run_ids?: readonly string[];
  task_id?: string;
  after_seq: number;
  limit: number;
}

export interface Selected {
  runs: RunRecord[];
  open: number;
}

export interface EndedSelection {
  until: number;
  after?: Pick<EndedRun, 'ended_at' | 'arrival'>;
  limit: number;
}

/**
 * What the coordinator must not forget. Every promise settles only when the change is durable
 * (SQLite: committed at synchronous=FULL), and calls take effect in the order they were made. Two
 * implementations, one suite. Raises STORE_UNAVAILABLE where nothing could be written (retryable: no
 * part of the call was kept), SHUTTING_DOWN after close(), and INTERNAL once the writer has died: then
 * no call of this process can succeed any more.
 */
export interface RunStore {
  /**
   * All or nothing: with any conflict in the batch, or a task's budget in the way, no run of it is
   * created. Same owner and request_key: one run. An `after` that names an entry of the batch means the
   * run that has its key.
   */
  submit(runs: readonly NewRun[]): Promise<Submitted[]>;
  /**
   * pending → running with a new attempt; undefined where the run is no longer pending. A hedge is one more
   * attempt of a run that is running with one, and goes on so.
   */
  claim(claims: readonly Claim[]): Promise<(RunRecord | undefined)[]>;
  /** Of two attempts under way the first tells how the run stands, asks and shows a preview. */
  progress(changes: readonly Progress[]): Promise<(RunRecord | undefined)[]>;
  /**
   * Ends attempt and run. While a second attempt is under way, only the first to finish ends the run (it
   * completed, or exited and is not to be tried again): the other is closed, superseded by it. One that was
   * lost, or failed otherwise, leaves the run to the other.
   */
  finish(ends: readonly Finish[]): Promise<(RunRecord | undefined)[]>;
  /**
   * running | paused | input_required → pending again, the attempt closed with its outcome, and waiting until
   * `not_before`. A run whose cancel was asked for ends `cancelled` instead: nobody is left to act on it. With
   * a second attempt under way only the attempt is closed.
   */
  requeue(ends: readonly Requeue[]): Promise<(RunRecord | undefined)[]>;
  /**
   * No worker has it (pending, or held) → cancelled at once; others get `cancel_requested`. Terminal runs
   * are answered as they are; undefined where there is no such run. `reason` goes into the outcome.
   */
  cancel(runIds: readonly string[], now: number, reason?: string): Promise<(RunRecord | undefined)[]>;
  /** pending | held → ended; undefined for a run that some worker has, or that has ended. */
  end(ends: readonly Ending[]): Promise<(RunRecord | undefined)[]>;
  /** pending ↔ paused, for a run no worker has; undefined for any other. Twice is once. */
  hold(runId: string, held: boolean, now: number): Promise<RunRecord | undefined>;
  /** Extends the lease of every attempt under way on these workers, those that ran out included. Changes no seq. */
  heartbeat(workerIds: readonly string[], leaseMs: number, now: number): Promise<void>;
  /** The worker takes nothing new, or again. Twice is once. */
  drain(workerId: string, drained: boolean): Promise<void>;
  /** Workers that are drained, by id. */
  drained(): Promise<string[]>;
  /**
   * Terminal runs → gone, with all that is kept of them; undefined for any other. From then on each worker
   * of theirs is owed the news, and their request keys are free.
   */
  forget(runIds: readonly string[]): Promise<(RunRecord | undefined)[]>;
  /** What workers have still to forget, by worker. */
  owed(): Promise<Owed[]>;
  /** The worker has forgotten these. */
  settle(workerId: string, runIds: readonly string[]): Promise<void>;
  /** Adds to what was told; of runs that are not kept, nothing. Changes no seq. */
  tell(rows: readonly ToldRow[]): Promise<void>;
  /** Calls `ride` with every other write: what is told then is part of the same commit. */
  alongside(ride: () => void): void;
  /** undefined where nobody was told. */
  told(runId: string): Promise<ToldRow | undefined>;
  /** Attempts whose lease ended before `now`. */
  expired(now: number): Promise<{ run_id: string; attempt: number }[]>;
  get(runId: string): Promise<RunRecord | undefined>;
  /** By rising seq, those changed after `after_seq`. */
  select(selection: Selection): Promise<RunRecord[]>;
  /**
   * The same, and how many runs are not terminal, changed or not: both of one moment, so that where none is open
   * no end is missing.
   */
  selectWithOpen(selection: Selection): Promise<Selected>;
  /** Those of the `last` runs to arrive that have ended, by arrival. */
  lately(last: number): Promise<RunRecord[]>;
  /** Runs that ended up to `until` and come after `after`: those that ended first, then by arrival. */
  ended(selection: EndedSelection): Promise<EndedRun[]>;
  /** The first run of a task to arrive, of those that are kept. */
  firstOf(owner: string, taskId: string): Promise<RunRecord | undefined>;
  /** Contents of the handles of a task, in bytes; what is the same counts each time. */
  storedBytesOf(owner: string, taskId: string): Promise<number>;
  /** Contents of all handles, in bytes; what is the same counts once. */
  storedBytes(): Promise<number>;
  /** Sealed contents that no other runs have than these: how many, and their bytes. */
  contentsOnlyOf(runIds: readonly string[]): Promise<{ files: number; bytes: number }>;
  /** Every run that is not terminal, by arrival: what a coordinator needs to go on after a restart. */
  open(): Promise<RunRecord[]>;
  taskBudget(owner: string, taskId: string): Promise<TaskBudget | undefined>;
  /** What the forgotten runs of a task with a budget have used of it. */
  spentBefore(owner: string, taskId: string): Promise<Spent | undefined>;
  /** Every task that has a budget. */
  budgetedTasks(): Promise<{ owner: string; task_id: string }[]>;
  findHandle(handleId: string): Promise<FoundHandle | undefined>;
  latestSeq(): Promise<number>;
  close(): Promise<void>;
}
