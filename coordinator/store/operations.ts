import { cancelled, claimed, ended, finished, held, progressed, requeued } from './run-changes.ts';
import { forget } from './forget.ts';
import { submit } from './submit.ts';
import type { ToldRow } from '../../core/token-ledger.ts';
import type { RunTable } from './run-table.ts';
import type {
  Claim,
  Ending,
  Finish,
  NewRun,
  Progress,
  Requeue,
  RunRecord,
  StoredHandle,
  Submitted,
} from './run-store.ts';

/** One call that changes the store, as a plain object that can be sent to a thread. */
export type Operation =
  | { kind: 'submit'; runs: readonly NewRun[] }
  | { kind: 'claim'; claims: readonly Claim[] }
  | { kind: 'progress'; changes: readonly Progress[] }
  | { kind: 'finish'; ends: readonly Finish[] }
  | { kind: 'requeue'; ends: readonly Requeue[] }
  | { kind: 'cancel'; run_ids: readonly string[]; now: number; reason?: string | undefined }
  | { kind: 'end'; ends: readonly Ending[] }
  | { kind: 'hold'; run_id: string; held: boolean; now: number }
  | { kind: 'forget'; run_ids: readonly string[] }
  | { kind: 'settle'; worker_id: string; run_ids: readonly string[] }
  | { kind: 'heartbeat'; worker_ids: readonly string[]; until: number }
  | { kind: 'tell'; rows: readonly ToldRow[] }
  | { kind: 'drain'; worker_id: string; drained: boolean };

export type Answer =
  | { kind: 'submitted'; submitted: Submitted[] }
  | { kind: 'runs'; runs: (RunRecord | undefined)[] }
  | { kind: 'done' };

/** How many runs an operation touches: what the size of a batch is counted in. */
export function weight(operation: Operation): number {
  switch (operation.kind) {
    case 'submit':
      return operation.runs.length;
    case 'claim':
      return operation.claims.length;
    case 'progress':
      return operation.changes.length;
    case 'finish':
    case 'end':
      return operation.ends.length;
    case 'requeue':
      return operation.ends.length;
    case 'cancel':
    case 'forget':
    case 'settle':
      return operation.run_ids.length;
    case 'tell':
      return operation.rows.length;
    case 'hold':
    case 'heartbeat':
    case 'drain':
      return 1;
  }
}

/** Carries one operation out. Whoever calls sees to it that it happens whole or not at all. */
export function apply(table: RunTable, operation: Operation): Answer {
  switch (operation.kind) {
    case 'submit':
      return { kind: 'submitted', submitted: submit(table, operation.runs) };
    case 'claim':
      return runs(operation.claims, (claim) =>
        change(table, claim.run_id, (run) => claimed(run, claim), claim.now + claim.lease_ms),
      );
    case 'progress':
      return runs(operation.changes, (report) =>
        change(table, report.run_id, (run) => progressed(run, withOwnHandles(table, run, report))),
      );
    case 'finish':
      return runs(operation.ends, (end) => finish(table, end));
    case 'requeue':
      return runs(operation.ends, (end) => change(table, end.run_id, (run) => requeued(run, end)));
    case 'cancel':
      return runs(operation.run_ids, (id) =>
        change(table, id, (run) => cancelled(run, operation.now, operation.reason)),
      );
    case 'end':
      return runs(operation.ends, (end) => change(table, end.run_id, (run) => ended(run, end)));
    case 'hold':
      return runs([operation.run_id], (id) => change(table, id, (run) => held(run, operation.held)));
    case 'forget':
      return runs(operation.run_ids, (id) => forget(table, id));
    case 'settle':
      table.settle(operation.worker_id, operation.run_ids);
      return { kind: 'done' };
    case 'heartbeat':
      table.extendLeases(operation.worker_ids, operation.until);
      return { kind: 'done' };
    case 'tell':
      for (const row of operation.rows) table.tell(row);
      return { kind: 'done' };
    case 'drain':
      table.setDrained(operation.worker_id, operation.drained);
      return { kind: 'done' };
  }
}

function runs<T>(changes: readonly T[], one: (change: T) => RunRecord | undefined): Answer {
  return { kind: 'runs', runs: changes.map(one) };
}

function change(
  table: RunTable,
  runId: string,
  decide: (run: RunRecord) => RunRecord | undefined,
  leaseUntil?: number,
): RunRecord | undefined {
  const before = table.load(runId);
  if (before === undefined) return undefined;
  const decided = decide(before);
  if (decided === undefined || decided === before) return decided;
  const after = { ...decided, seq: table.nextSeq() };
  table.update(before, after, leaseUntil);
  return after;
}

/** What was told with an end counts also where the end itself does not: of an attempt another one has won over. */
function finish(table: RunTable, end: Finish): RunRecord | undefined {
  const { told } = end;
  let isOver = false;
  const after = change(table, end.run_id, (before) => {
    const run = (told && progressed(before, withOwnHandles(table, before, told))) ?? before;
    const over = finished(run, withOwnHandles(table, run, end));
    isOver = over !== undefined;
    return over ?? run;
  });
  return isOver ? after : undefined;
}

/** A report may name new handles, never those of another run: that would redirect its readers. */
function withOwnHandles<T extends { handles?: StoredHandle[] }>(
  table: RunTable,
  run: RunRecord,
  report: T,
): T {
  const { handles } = report;
  if (handles === undefined || handles.length === 0) return report;
  const own = new Set(run.handles.map((handle) => handle.handle_id));
  return { ...report, handles: handles.filter(({ handle_id: id }) => own.has(id) || !table.hasHandle(id)) };
}
