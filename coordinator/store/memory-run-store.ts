import { covers } from '../../core/owners.ts';
import { addTold, nothingTold, type ToldRow } from '../../core/token-ledger.ts';
import { FleetError } from '../../core/errors.ts';
import { apply } from './operations.ts';
import type { RunTable } from './run-table.ts';
import { openAttempts } from './run-changes.ts';
import { createRunCalls, type RunReader } from './run-calls.ts';
import type { Owed, RunRecord, RunStore, Selection, TaskRow } from './run-store.ts';

/** Runs in the memory of this process: for tests and simulations. Nothing of it outlives the process. */
export function createMemoryRunStore(): RunStore {
  const shelf = createShelf();
  const reader = createShelfReader(shelf);
  let closed = false;

  function checkOpen(): void {
    if (closed) throw new FleetError('SHUTTING_DOWN', 'The store is closed.');
  }
  return createRunCalls({
    async send(operation) {
      checkOpen();
      // Copied on the way in and out, so that what callers do to their objects changes nothing here.
      return structuredClone(shelf.whole(() => apply(shelf.table, structuredClone(operation))));
    },
    reader() {
      checkOpen();
      return reader;
    },
    async close() {
      closed = true;
    },
  });
}

interface Shelf {
  table: RunTable;
  /** By arrival. */
  runs: Map<string, RunRecord>;
  /** Of the attempts under way of each run, by number. */
  leases: Map<string, Map<number, number>>;
  drained: Set<string>;
  /** By worker and run, as JSON. */
  owed: Map<string, Owed>;
  /** By owner and task id, as JSON. */
  tasks: Map<string, TaskRow>;
  told: Map<string, ToldRow>;
  latestSeq(): number;
  /** Runs `work`; where it fails, takes back what it inserted. */
  whole<T>(work: () => T): T;
}

function createShelf(): Shelf {
  const runs = new Map<string, RunRecord>();
  const byKey = new Map<string, string>();
  const handles = new Set<string>();
  const leases: Shelf['leases'] = new Map();
  const drained = new Set<string>();
  const owed = new Map<string, Owed>();
  const tasks = new Map<string, TaskRow>();
  const told = new Map<string, ToldRow>();
  let inserted: RunRecord[] = [];
  let seq = 0;

  function put(run: RunRecord): void {
    runs.set(run.run_id, run);
    for (const handle of run.handles) handles.add(handle.handle_id);
  }
  const table: RunTable = {
    load: (runId) => runs.get(runId),
    loadByKey: (owner, requestKey) => runs.get(byKey.get(JSON.stringify([owner, requestKey])) ?? ''),
    hasHandle: (handleId) => handles.has(handleId),
    nextSeq: () => ++seq,
    insert(run) {
      if (runs.has(run.run_id)) throw new FleetError('INTERNAL', 'The store met an error it does not know.');
      put(run);
      inserted.push(run);
      if (run.spec.request_key !== undefined)
        byKey.set(JSON.stringify([run.owner, run.spec.request_key]), run.run_id);
    },
    update(_before, after, leaseUntil) {
      put(after);
      const until = leases.get(after.run_id);
      const open = openAttempts(after).map(({ attempt }): [number, number] => [
        attempt,
        until?.get(attempt) ?? leaseUntil ?? 0,
      ]);
      leases.set(after.run_id, new Map(open));
      if (open.length === 0) leases.delete(after.run_id);
    },
    remove(run) {
      runs.delete(run.run_id);
      leases.delete(run.run_id);
      told.delete(run.run_id);
      for (const handle of run.handles) handles.delete(handle.handle_id);
      if (run.spec.request_key !== undefined) byKey.delete(JSON.stringify([run.owner, run.spec.request_key]));
    },
    owe: (debt) => void owed.set(JSON.stringify([debt.worker_id, debt.run_id]), debt),
    settle(workerId, runIds) {
      for (const runId of runIds) owed.delete(JSON.stringify([workerId, runId]));
    },
    removeTask: (owner, taskId) => void tasks.delete(JSON.stringify([owner, taskId])),
    loadTask: (owner, taskId) => tasks.get(JSON.stringify([owner, taskId])),
    saveTask: (owner, taskId, row) => void tasks.set(JSON.stringify([owner, taskId]), row),
    countRuns: (owner, taskId) =>
      [...runs.values()].filter((run) => run.owner === owner && run.spec.task_id === taskId).length,
    extendLeases(workerIds, until) {
      for (const [runId, ofRun] of leases) {
        for (const { attempt, placement } of runs.get(runId)?.attempts ?? [])
          if (ofRun.has(attempt) && workerIds.includes(placement.worker_id)) ofRun.set(attempt, until);
      }
    },
    tell(row) {
      if (!runs.has(row.run_id)) return;
      told.set(row.run_id, addTold(told.get(row.run_id) ?? nothingTold(row.run_id), row));
    },
    setDrained(workerId, isDrained) {
      if (isDrained) drained.add(workerId);
      else drained.delete(workerId);
    },
  };
  function whole<T>(work: () => T): T {
    inserted = [];
    try {
      return work();
    } catch (error) {
      for (const { run_id: id, owner, spec } of inserted) {
        runs.delete(id);
        byKey.delete(JSON.stringify([owner, spec.request_key]));
      }
      throw error;
    }
  }
  return { table, runs, leases, drained, owed, tasks, told, latestSeq: () => seq, whole };
}

/** Each content once. */
function contentBytes(runs: Iterable<Pick<RunRecord, 'handles'>>): number {
  const contents = new Map<string, number>();
  for (const { handles } of runs)
    for (const { sha256, handle_id: id, bytes } of handles)
      contents.set(sha256 ?? id, Math.max(bytes, contents.get(sha256 ?? id) ?? 0));
  return [...contents.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function createShelfReader({ table, runs, leases, drained, owed, tasks, told, latestSeq }: Shelf): RunReader {
  function matching({
    owner,
    run_ids: ids,
    task_id: task,
  }: Omit<Selection, 'after_seq' | 'limit'>): RunRecord[] {
    return [...runs.values()].filter(
      (run) =>
        covers(owner, run.owner) &&
        (ids === undefined || ids.includes(run.run_id)) &&
        (task === undefined || run.spec.task_id === task),
    );
  }
  function select(selection: Selection): RunRecord[] {
    const news = matching(selection).filter((run) => run.seq > selection.after_seq);
    return structuredClone(news.sort((a, b) => a.seq - b.seq).slice(0, selection.limit));
  }
  return {
    get: (runId) => structuredClone(runs.get(runId)),
    select,
    selectWithOpen: (selection) => ({
      runs: select(selection),
      open: matching(selection).filter((run) => run.ended_at === undefined).length,
    }),
    lately: (last) =>
      structuredClone([...runs.values()].slice(-last).filter((run) => run.ended_at !== undefined)),
    ended: ({ until, after, limit }) =>
      [...runs.values()]
        .flatMap(({ run_id, arrival, ended_at, handles }) =>
          ended_at === undefined || ended_at > until
            ? []
            : [{ run_id, arrival, ended_at, handles: handles.length, bytes: bytesOf(handles) }],
        )
        .filter((run) => after === undefined || endedBefore(after, run) < 0)
        .sort(endedBefore)
        .slice(0, limit),
    owed: () => [...owed.keys()].sort().flatMap((key) => structuredClone(owed.get(key)) ?? []),
    firstOf: (owner, task_id) =>
      structuredClone(matching({ owner, task_id }).sort((a, b) => a.arrival - b.arrival)[0]),
    storedBytesOf: (owner, task_id) => contentBytes(matching({ owner, task_id })),
    storedBytes: () => contentBytes(runs.values()),
    contentsOnlyOf(runIds) {
      const kept = [...runs.values()].filter((run) => !runIds.includes(run.run_id));
      const others = new Set(kept.flatMap((run) => run.handles.map(({ sha256 }) => sha256)));
      const own = new Map<string, number>();
      for (const runId of runIds)
        for (const { sha256, bytes } of runs.get(runId)?.handles ?? [])
          if (sha256 !== undefined && !others.has(sha256)) own.set(sha256, bytes);
      return { files: own.size, bytes: [...own.values()].reduce((sum, bytes) => sum + bytes, 0) };
    },
    open: async () => structuredClone([...runs.values()].filter((run) => run.ended_at === undefined)),
    expired: (now) =>
      [...runs.keys()].flatMap((runId) =>
        [...(leases.get(runId) ?? [])]
          .filter(([, until]) => until < now)
          .map(([attempt]) => ({ run_id: runId, attempt })),
      ),
    taskBudget: (owner, taskId) => structuredClone(table.loadTask(owner, taskId)?.limits),
    spentBefore: (owner, taskId) => structuredClone(table.loadTask(owner, taskId)?.spent),
    budgetedTasks: () => [...tasks.keys()].sort().map(taskOf),
    findHandle(handleId) {
      for (const run of runs.values()) {
        const handle = run.handles.find((one) => one.handle_id === handleId);
        if (handle !== undefined) {
          const { run_id, owner, ended_at } = run;
          return { run_id, owner, ended_at, handle: structuredClone(handle) };
        }
      }
      return undefined;
    },
    told: (runId) => structuredClone(told.get(runId)),
    drained: () => [...drained].sort(),
    latestSeq,
  };
}

type Ended = Pick<RunRecord, 'arrival'> & { ended_at: number };

function endedBefore(a: Ended, b: Ended): number {
  return a.ended_at - b.ended_at || a.arrival - b.arrival;
}

function bytesOf(handles: RunRecord['handles']): number {
  return handles.reduce((sum, { bytes }) => sum + bytes, 0);
}

function taskOf(key: string): { owner: string; task_id: string } {
  const [owner, task_id]: [string, string] = JSON.parse(key);
  return { owner, task_id };
}
