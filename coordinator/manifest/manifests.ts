import { isTerminal } from '../../schemas/run-words.ts';
import type { EndListener } from '../changes.ts';
import type { RunRecord } from '../store/run-store.ts';
import { openMark } from './mark.ts';
import { removalOf, removeExports } from './remove-runs.ts';
import { newTaskIndex, type TaskIndex } from './task-index.ts';
import { writeTask, type TaskWriting } from './write-task.ts';

/**
 * Exports the manifest of every run that ended, in batches, behind the back of whoever dispatches. The record
 * itself is the store's, where `openKeptManifests` reads it.
 */
export interface Manifests extends EndListener {
  /** Finds the runs of an owner that ended before a crash and were not exported. */
  catchUp(owner: string): Promise<void>;
  /**
   * Removes what was exported of runs, then has the store forget them by `inStore`: after a crash in between
   * they are still known, and removed once more. Nothing is written meanwhile.
   */
  forget(runs: readonly RunRecord[], inStore: () => Promise<void>): Promise<void>;
  /** Exports what is left and ends. */
  close(): Promise<void>;
}

/** Where the configuration wants no exports. */
const exportsNothing: Manifests = {
  ended: () => undefined,
  catchUp: () => Promise.resolve(),
  forget: (_runs, inStore) => inStore(),
  close: () => Promise.resolve(),
};

const firstWaitMs = 50;
/** While runs are under way, writing takes one part of the time and this many are left to them. */
const restFactor = 9;
/** A rest is over once no run is under way any more. */
const lookMs = 500;
const afterFailureMs = 5_000;
const tasksKept = 32;
const pageSize = 200;

export interface ManifestOptions extends TaskWriting {
  /** Keeps how far runs were exported. */
  markFile: string;
  /** Whether runs are under way, which then come first. */
  isBusy(): boolean;
}

export async function createManifests(options: ManifestOptions): Promise<Manifests> {
  const { store, markFile, runsDir, log, isBusy } = options;
  const mark = openMark(markFile);
  if (runsDir === 'off') {
    await mark.remove();
    return exportsNothing;
  }
  /** The manifest of every run that ended up to this change is exported. */
  let written = await mark.read(() => store.latestSeq());
  let told = written;
  /** How far the runs of before this start were looked through; undefined once all were. */
  let lookedUpTo: number | undefined = written;
  const dirty = new Map<string, TaskIndex>();
  const known = new Map<string, TaskIndex>();
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;

  /** One after the other: what is written and what is removed are the same files. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  }
  /** The index of a run's task; those used last are kept. */
  function indexOf({ owner, spec }: Pick<RunRecord, 'owner' | 'spec'>): { key: string; index: TaskIndex } {
    const key = indexKey({ owner, spec });
    const index = dirty.get(key) ?? known.get(key) ?? newTaskIndex(owner, spec.task_id);
    known.delete(key);
    known.set(key, index);
    const [oldest] = known.keys();
    if (known.size > tasksKept && oldest !== undefined) known.delete(oldest);
    return { key, index };
  }
  function ended(run: RunRecord): void {
    const { key, index } = indexOf(run);
    dirty.set(key, index);
    told = Math.max(told, run.seq);
    schedule(firstWaitMs);
  }
  /** `restUntilMs`: while runs are under way, not before then. */
  function schedule(waitMs: number, restUntilMs = 0): void {
    if (closed || timer !== undefined) return;
    timer = setTimeout(() => {
      const restMs = restUntilMs - performance.now();
      if (restMs > 0 && isBusy()) {
        timer = undefined;
        schedule(Math.min(lookMs, restMs), restUntilMs);
      } else begin();
    }, waitMs);
    timer.unref();
  }
  function begin(): void {
    const begunMs = performance.now();
    void inTurn(flush).then((ok) => {
      timer = undefined;
      const endedMs = performance.now();
      const restUntilMs = endedMs + (endedMs - begunMs) * restFactor;
      if (dirty.size > 0) schedule(ok ? firstWaitMs : afterFailureMs, restUntilMs);
    });
  }
  async function flush(): Promise<boolean> {
    // Beyond that another task may have runs without a manifest, of which nobody has told yet.
    const upTo = Math.min(told, lookedUpTo ?? told);
    const tasks = [...dirty];
    dirty.clear();
    try {
      for (const [, index] of tasks) await writeTask(index, written, options);
      await mark.write(upTo);
      written = upTo;
      return true;
    } catch (error) {
      log.error({ err: error }, 'manifests could not be exported');
      // Nothing is forgotten: these tasks are read again from what is written.
      for (const [key, { owner, task_id: taskId }] of tasks) {
        known.delete(key);
        dirty.set(key, newTaskIndex(owner, taskId));
      }
      return false;
    }
  }
  async function findEnded(owner: string): Promise<void> {
    for (let seq = written; ;) {
      const page = await store.select({ owner, after_seq: seq, limit: pageSize });
      for (const run of page) {
        if (isTerminal(run.status)) ended(run);
        seq = run.seq;
      }
      lookedUpTo = page.length < pageSize ? undefined : seq;
      if (lookedUpTo === undefined) return;
    }
  }
  /** First all that tells of them, last they themselves: a crash leaves nothing nobody knows of. */
  async function forgetAll(runs: readonly RunRecord[], inStore: () => Promise<void>): Promise<void> {
    const tasks = byTask(runs);
    for (const [key, ofTask] of tasks) {
      const removal = await removalOf(ofTask, store);
      if (removal === undefined) continue;
      await removeExports(removal, runsDir);
      if (removal.isWhole) tasks.delete(key);
    }
    await inStore();
    for (const [key, [run]] of tasks) {
      if (run !== undefined) dirty.set(key, newTaskIndex(run.owner, run.spec.task_id));
    }
    for (const run of runs) known.delete(indexKey(run));
    if (dirty.size > 0) schedule(firstWaitMs);
  }
  return {
    ended,
    forget: (runs, inStore) => inTurn(() => forgetAll(runs, inStore)),
    async catchUp(owner) {
      try {
        await findEnded(owner);
      } catch (error) {
        log.error({ err: error }, 'runs that ended earlier could not be looked for');
      }
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await inTurn(async () => dirty.size === 0 || (await flush()));
    },
  };
}

function indexKey({ owner, spec }: Pick<RunRecord, 'owner' | 'spec'>): string {
  return JSON.stringify([owner, spec.task_id]);
}

function byTask(runs: readonly RunRecord[]): Map<string, RunRecord[]> {
  const tasks = new Map<string, RunRecord[]>();
  for (const run of runs) tasks.set(indexKey(run), [...(tasks.get(indexKey(run)) ?? []), run]);
  return tasks;
}
