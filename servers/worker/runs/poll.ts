import { FleetError } from '../../../core/errors.ts';
import { jsonBytes } from '../../../core/json-bytes.ts';
import { nextAfterPoll } from '../../../core/next.ts';
import { packRuns, pollEnvelopeBytes } from '../../../core/poll-reply.ts';
import { buildSnapshot } from '../../../core/snapshot.ts';
import type { Call, Input, Output } from '../../../mcp/handlers.ts';
import type { RunSnapshot } from '../../../schemas/run.ts';
import { maxDetailBytes, maxReplyBytes, type WorkerContracts } from '../../../schemas/tools.ts';
import type { RunRecord } from './record.ts';
import { isOpen, type RunEntry } from './run-index.ts';
import type { Runs } from './runs.ts';

type PollInput = Input<WorkerContracts['poll_run']>;
type PollOutput = Output<WorkerContracts['poll_run']>;

const defaultPreviewTokens = 700;
/** More snapshots never fit one reply. */
const maxRows = 80;

/** What a call asks about. */
interface Selection {
  includes: (entry: RunEntry) => boolean;
  /** Changed after the cursor, by rising number. */
  news: () => RunEntry[];
  open: () => number;
  /** Whether it can be waited for where nothing is open: new runs may come. */
  isEndless: boolean;
}

/** News of the runs asked about, waiting for it where asked to. */
export async function pollRuns(
  runs: Runs,
  workerId: string,
  input: PollInput,
  call: Call,
): Promise<PollOutput> {
  const cursor = readCursor(input.cursor, runs.changes.latest);
  const selection = select(runs, input, call.owner, cursor);
  await waitForNews(runs, selection, input, call.signal);
  const news = look(runs, selection, input.detail === true ? undefined : maxRows);
  return input.detail === true ? detailReply(news, cursor) : snapshotReply(news, { input, cursor, workerId });
}

/** How the runs asked about stood at one instant. */
interface News {
  rows: Row[];
  /** There are more than `rows`. */
  isCut: boolean;
  open: number;
}

interface Row {
  seq: number;
  /** Of the same instant: a run that has ended changes no more, and is read when it is needed. */
  record: () => Promise<RunRecord>;
}

function look(runs: Runs, selection: Selection, most: number | undefined): News {
  const news = selection.news();
  const rows = news.slice(0, most).map((entry) => {
    const standing = entry.live?.record();
    return {
      seq: entry.seq,
      record: () => (standing === undefined ? runs.record(entry) : Promise.resolve(standing)),
    };
  });
  return { rows, isCut: rows.length < news.length, open: selection.open() };
}

/** A number higher than any given is of an earlier boot: everything is told again. */
function readCursor(cursor: string | undefined, latest: number): number {
  if (cursor === undefined) return 0;
  if (!/^\d{1,15}$/.test(cursor)) {
    throw new FleetError('INVALID_INPUT', '"cursor" must be one that poll_run or start_run gave.');
  }
  return Number(cursor) > latest ? 0 : Number(cursor);
}

function select(runs: Runs, input: PollInput, owner: string, cursor: number): Selection {
  const { run_ids: runIds, task_id: taskId } = input;
  if (runIds !== undefined && taskId !== undefined) {
    throw new FleetError('INVALID_INPUT', 'Name "run_ids" or "task_id", not both.');
  }
  if (runIds !== undefined) {
    const named = new Set(runIds.map((runId) => runs.find(runId, owner)));
    return selectionOf(
      (entry) => named.has(entry),
      () => [...named],
      cursor,
    );
  }
  if (taskId !== undefined) {
    runs.ofTask(taskId, owner);
    const isOfTask = (entry: RunEntry): boolean => entry.task_id === taskId && entry.owner === owner;
    return selectionOf(isOfTask, () => runs.ofTask(taskId, owner), cursor);
  }
  if (input.detail !== true) throw new FleetError('INVALID_INPUT', 'Name "run_ids" or "task_id".');
  const isOwn = (entry: RunEntry): boolean => entry.owner === owner;
  return {
    includes: isOwn,
    news: () => runs.changes.after(cursor).filter(isOwn),
    open: () => runs.openCount(owner),
    isEndless: true,
  };
}

function selectionOf(
  includes: (entry: RunEntry) => boolean,
  all: () => readonly RunEntry[],
  cursor: number,
): Selection {
  return {
    includes,
    news: () =>
      all()
        .filter((entry) => entry.seq > cursor)
        .sort((a, b) => a.seq - b.seq),
    open: () => all().filter(isOpen).length,
    isEndless: false,
  };
}

async function waitForNews(
  runs: Runs,
  selection: Selection,
  input: PollInput,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + (input.wait_ms ?? 0);
  while (!isSatisfied(selection, input.until ?? 'change')) {
    const leftMs = deadline - performance.now();
    if (leftMs <= 0 || signal.aborted || runs.changes.isClosed) return;
    await runs.changes.next(selection.includes, leftMs, signal);
  }
}

function isSatisfied(selection: Selection, until: 'change' | 'any' | 'all'): boolean {
  if (!selection.isEndless && selection.open() === 0) return true;
  if (until === 'all') return false;
  const news = selection.news();
  return until === 'change' ? news.length > 0 : news.some((entry) => !isOpen(entry));
}

async function snapshotReply(
  { rows, isCut, open }: News,
  { input, cursor, workerId }: { input: PollInput; cursor: number; workerId: string },
): Promise<PollOutput> {
  const tokens = input.preview_tokens ?? defaultPreviewTokens;
  const snapshots = rows.map(async ({ seq, record }) => ({
    seq,
    snapshot: snapshotOf(await record(), workerId, tokens),
  }));
  const packed = packRuns(await Promise.all(snapshots), maxReplyBytes - pollEnvelopeBytes);
  const told = {
    runs: packed.runs,
    cursor: packed.cursor === '' ? String(cursor) : packed.cursor,
    more: packed.more || isCut,
    open,
  };
  return { ...told, next: nextAfterPoll({ selection: input, ...told }) };
}

function snapshotOf(record: RunRecord, workerId: string, tokens: number): RunSnapshot {
  const { detail, spec } = record;
  const source = {
    run_id: detail.run_id,
    status: detail.status,
    label: spec.label,
    worker: workerId,
    attempt: undefined,
    accepted_at: record.accepted_at,
    started_at: detail.started_at,
    first_output_at: detail.first_output_at,
    ended_at: detail.ended_at,
    outcome: detail.outcome,
    error: detail.error,
    waiting_for: detail.slot === 'awaited' ? 'slot' : undefined,
    not_before: undefined,
    liveness: undefined,
    question: detail.question,
    decisions: detail.decisions,
    usage: detail.usage,
    handles: detail.handles,
    preview: detail.preview,
  };
  return buildSnapshot(source, tokens);
}

/** Full records for a coordinator; one always fits, because all that is in it is bounded. */
async function detailReply({ rows, open }: News, cursor: number): Promise<PollOutput> {
  const details: RunRecord['detail'][] = [];
  let told = cursor;
  let left = maxDetailBytes - pollEnvelopeBytes;
  for (const { seq, record } of rows) {
    const { detail } = await record();
    left -= jsonBytes(detail) + 1;
    if (left < 0 && details.length > 0) break;
    details.push(detail);
    told = seq;
  }
  const next = `poll_run {"detail":true,"cursor":"${String(told)}"}`;
  return { runs: [], details, cursor: String(told), more: details.length < rows.length, open, next };
}
