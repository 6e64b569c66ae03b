import type { Past } from '../../core/retry.ts';
import type { AttemptRecord } from '../../schemas/manifest.ts';
import type { Reserved, RunSpec } from '../../schemas/run.ts';
import type { RunRecord } from '../store/run-store.ts';
import { openAttempts as stillOpen } from '../store/run-changes.ts';

/** An attempt some worker has, or is about to get. */
export interface OpenAttempt {
  readonly run_id: string;
  readonly owner: string;
  /** Of the queue, see QueuedRun. */
  readonly lane: string;
  readonly cwd: string;
  /** What its task's budget left of its wall time, ms, where that is less than its own. */
  readonly wallShareMs: number | undefined;
  /** As it was queued, see QueuedRun. */
  readonly length: number;
  readonly worker_id: string;
  /** undefined between the choice of the worker and the claim that makes it durable. */
  attempt: number | undefined;
  /** What decides over another attempt, should this one fail. */
  readonly past: Past;
  /** The rate gate it has gone through. */
  readonly gate: string | undefined;
  /** Calls of the model it has told of, those of the attempts included that it goes on with. */
  calls: number;
  /** The run's place in the queue, should it come back. */
  readonly order: number;
  /** The run on the worker whose thread this attempt goes on with. */
  readonly continues: string | undefined;
  remote_run_id: string | undefined;
  /** `unsent`: the worker cannot know of it. `sent`: it may. `confirmed`: it answered. */
  phase: 'unsent' | 'sent' | 'confirmed';
  status: 'running' | 'paused' | 'input_required';
  /** Changed by `setSlot` alone. */
  holdsSlot: boolean;
  /** It was answered, and its worker has no slot for it yet. */
  awaitsSlot: boolean;
  cancelRequested: boolean;
  /** Its run has ended by another one: it only takes its slot until its worker has ended it. */
  superseded: boolean;
  /** The boot of its worker that told of it last. */
  seenBoot: string | undefined;
}

/** Every attempt under way, found by run, by worker, and by the worker's own id of the run. */
export interface OpenAttempts {
  readonly size: number;
  add(attempt: OpenAttempt): void;
  /** The one that tells how a run stands: the first of those under way. */
  get(runId: string): OpenAttempt | undefined;
  /** Those under way of a run: two, where one is a hedge. */
  ofRun(runId: string): readonly OpenAttempt[];
  has(attempt: OpenAttempt): boolean;
  remove(attempt: OpenAttempt): void;
  /** Another of its run was first. */
  supersede(attempt: OpenAttempt): void;
  all(): Iterable<OpenAttempt>;
  ofWorker(workerId: string): Iterable<OpenAttempt>;
  /** By the run's id on its worker, or by the key it was started with. */
  find(workerId: string, remoteRunId: string, requestKey: string | undefined): OpenAttempt | undefined;
  confirm(attempt: OpenAttempt, remoteRunId: string): void;
  setSlot(attempt: OpenAttempt, holds: boolean): void;
  /** Slots of a worker taken by these attempts. */
  slotsTaken(workerId: string): number;
  /** Of runs that go through one rate gate. */
  slotsOfGate(gate: string): number;
  /** Of the runs of a lane. */
  slotsOfLane(lane: string): number;
  /** Of runs of this order of length, and longer ones. */
  slotsOfLength(least: number): number;
  /** Hears of every attempt that takes a slot or gives it back. */
  watch(listener: (attempt: OpenAttempt) => void): void;
}

export function createOpenAttempts(): OpenAttempts {
  const every = new Set<OpenAttempt>();
  const byRun = new Map<string, OpenAttempt[]>();
  const byWorker = new Map<string, Set<OpenAttempt>>();
  const byRemote = new Map<string, OpenAttempt>();
  const slotsOf = {
    worker: new Map<string, number>(),
    lane: new Map<string, number>(),
    gate: new Map<string, number>(),
  };
  const slotsOfLength: number[] = [];
  const watching: ((attempt: OpenAttempt) => void)[] = [];

  function count(attempt: OpenAttempt, by: 1 | -1): void {
    add(slotsOf.worker, attempt.worker_id, by);
    add(slotsOf.lane, attempt.lane, by);
    if (attempt.gate !== undefined) add(slotsOf.gate, attempt.gate, by);
    for (let length = attempt.length; length > 0; length--) {
      slotsOfLength[length] = (slotsOfLength[length] ?? 0) + by;
    }
    for (const listener of watching) listener(attempt);
  }
  return {
    get size() {
      return every.size;
    },
    add(attempt) {
      every.add(attempt);
      if (!attempt.superseded) byRun.set(attempt.run_id, [...ofRun(attempt.run_id), attempt]);
      const peers = byWorker.get(attempt.worker_id) ?? new Set();
      byWorker.set(attempt.worker_id, peers.add(attempt));
      if (attempt.remote_run_id !== undefined) byRemote.set(attempt.remote_run_id, attempt);
      if (attempt.holdsSlot) count(attempt, 1);
    },
    get: (runId) => byRun.get(runId)?.[0],
    ofRun,
    has: (attempt) => every.has(attempt),
    remove(attempt) {
      if (!every.delete(attempt)) return;
      leaveRun(attempt);
      byWorker.get(attempt.worker_id)?.delete(attempt);
      if (attempt.remote_run_id !== undefined) byRemote.delete(attempt.remote_run_id);
      if (attempt.holdsSlot) count(attempt, -1);
    },
    supersede(attempt) {
      attempt.superseded = true;
      leaveRun(attempt);
    },
    all: () => every,
    ofWorker: (workerId) => byWorker.get(workerId) ?? [],
    find(workerId, remoteRunId, requestKey) {
      const known = byRemote.get(remoteRunId) ?? byKey(workerId, requestKey);
      return known?.worker_id === workerId ? known : undefined;
    },
    confirm(attempt, remoteRunId) {
      attempt.phase = 'confirmed';
      attempt.remote_run_id = remoteRunId;
      if (every.has(attempt)) byRemote.set(remoteRunId, attempt);
    },
    setSlot(attempt, holds) {
      if (attempt.holdsSlot === holds) return;
      attempt.holdsSlot = holds;
      if (every.has(attempt)) count(attempt, holds ? 1 : -1);
    },
    slotsTaken: (workerId) => slotsOf.worker.get(workerId) ?? 0,
    slotsOfGate: (gate) => slotsOf.gate.get(gate) ?? 0,
    slotsOfLane: (lane) => slotsOf.lane.get(lane) ?? 0,
    slotsOfLength: (least) => slotsOfLength[least] ?? 0,
    watch(listener) {
      watching.push(listener);
    },
  };

  function ofRun(runId: string): readonly OpenAttempt[] {
    return byRun.get(runId) ?? [];
  }
  function leaveRun(attempt: OpenAttempt): void {
    const left = ofRun(attempt.run_id).filter((one) => one !== attempt);
    if (left.length === 0) byRun.delete(attempt.run_id);
    else byRun.set(attempt.run_id, left);
  }
  function byKey(workerId: string, requestKey: string | undefined): OpenAttempt | undefined {
    if (requestKey === undefined) return undefined;
    for (const open of byWorker.get(workerId) ?? [])
      if (open.attempt !== undefined && attemptKey(open.run_id, open.attempt) === requestKey) return open;
    return undefined;
  }
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const sum = (counts.get(key) ?? 0) + by;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
}

/** Runs of one task of one owner share one lane of the queue. */
export function laneOf({ owner, spec }: Pick<RunRecord, 'owner' | 'spec'>): string {
  return `${owner}\0${spec.task_id}`;
}

/** The task of a lane. */
export function taskOf(lane: string): string {
  return lane.slice(lane.indexOf('\0') + 1);
}

/** What a worker knows an attempt by: the same key always means the same run there. */
export function attemptKey(runId: string, attempt: number): string {
  return `${runId}.${String(attempt)}`;
}

/** The other way round; undefined for a key of no attempt. */
export function runAndAttemptOf(key: string): { run_id: string; attempt: number } | undefined {
  const at = key.lastIndexOf('.');
  const attempt = Number(key.slice(at + 1));
  return at > 0 && attempt >= 1 ? { run_id: key.slice(0, at), attempt } : undefined;
}

interface Restoring {
  past: Past;
  length: number;
  gateOn: (workerId: string) => string | undefined;
}

/** The attempts of a run read from the store after a restart; none where no worker has it. */
export function restoredAttempts(run: RunRecord, order: number, restoring: Restoring): OpenAttempt[] {
  // Only the first tells how the run stands: a second began beside one that runs.
  return stillOpen(run).map((attempt, at) => {
    const seen: RunRecord = at === 0 ? run : { ...run, status: 'running' };
    return restored(seen, attempt, order, restoring);
  });
}

function restored(
  run: RunRecord,
  open: AttemptRecord,
  order: number,
  { past, length, gateOn }: Restoring,
): OpenAttempt {
  const status = run.status === 'paused' || run.status === 'input_required' ? run.status : 'running';
  const earlier = run.attempts.slice(0, open.attempt - 1);
  return {
    run_id: run.run_id,
    owner: run.owner,
    lane: laneOf(run),
    cwd: run.spec.cwd,
    worker_id: open.placement.worker_id,
    attempt: open.attempt,
    length,
    wallShareMs: wallShareOf(run.spec, open.reserved),
    past,
    gate: gateOn(open.placement.worker_id),
    calls: open.hedge === undefined ? (run.usage?.calls ?? 0) : (open.usage?.calls ?? 0),
    order,
    continues: open.hedge === undefined ? threadToContinue({ attempts: earlier })?.remote_run_id : undefined,
    remote_run_id: open.remote_run_id,
    phase: open.remote_run_id === undefined ? 'sent' : 'confirmed',
    status,
    holdsSlot: takesSlot(status, open.engine_thread_id !== undefined),
    awaitsSlot: false,
    cancelRequested: run.cancel_requested,
    superseded: false,
    seenBoot: undefined,
  };
}

/** undefined where the run's own wall time is not cut short by its task's budget. */
export function wallShareOf(
  { wall_ms: own = Infinity }: RunSpec,
  reserved: Reserved | undefined,
): number | undefined {
  const given = reserved?.wall_ms;
  return given !== undefined && given < own ? given : undefined;
}

/** Attempts that did not end before anything was spawned; a hedge is no try of its own. */
export function triesOf(run: Pick<RunRecord, 'attempts'>): number {
  return run.attempts.filter(({ outcome, hedge }) => outcome?.kind !== 'spawn' && hedge === undefined).length;
}

/** A command that is paused keeps its slot; an engine's thread is put away and gives it back. */
export function takesSlot(status: OpenAttempt['status'], hasThread: boolean): boolean {
  return status !== 'paused' || !hasThread;
}

/** Where the thread of an earlier attempt lies that a queued run goes on with. */
export function threadToContinue(
  run: Pick<RunRecord, 'attempts'>,
): { worker_id: string; remote_run_id: string } | undefined {
  const spawned = run.attempts.findLast((attempt) => attempt.outcome?.kind !== 'spawn');
  if (spawned?.remote_run_id === undefined || !goesOn(spawned)) return undefined;
  return { worker_id: spawned.placement.worker_id, remote_run_id: spawned.remote_run_id };
}

/** What was decided is on record, but for attempts of the first version. */
function goesOn({ outcome, retry }: RunRecord['attempts'][number]): boolean {
  return retry?.resumes ?? (outcome?.kind === 'lost' && outcome.resumable);
}
