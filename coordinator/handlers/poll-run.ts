import { covers } from '../../core/owners.ts';
import { FleetError } from '../../core/errors.ts';
import { nextAfterPoll } from '../../core/next.ts';
import { packRuns, pollEnvelopeBytes } from '../../core/poll-reply.ts';
import type { Call, Input, Output } from '../../mcp/handlers.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import { maxReplyBytes, type FleetContracts } from '../../schemas/tools.ts';
import type { RunRecord, Selected } from '../store/run-store.ts';
import type { HandlerDeps } from './deps.ts';
import { unknownRun } from './find-run.ts';
import { longerPreviews } from './longer-previews.ts';
import { toSnapshot } from './to-snapshot.ts';

type Contract = FleetContracts['poll_run'];
type PollInput = Input<Contract>;
type Until = NonNullable<PollInput['until']>;

/** More never fit one reply. */
const pageSize = 64;
const defaultPreviewTokens = 700;
/** Of a run that goes on beside others, unless the caller says how much: it is told of again, and then in full. */
const passingPreviewTokens = 200;

/** What is new of some runs since the cursor, waited for where there is nothing yet. */
export function pollRun(deps: HandlerDeps): (input: PollInput, call: Call) => Promise<Output<Contract>> {
  const { store, news, asks, clock, changes } = deps;

  async function waitForNews(input: PollInput, call: Call): Promise<Selected> {
    const { wait_ms: waitMs = 0, until = 'change' } = input;
    const scope = scopeOf(input, call.owner);
    const after_seq = readCursor(input.cursor);
    const deadlineMs = clock.uptimeMs() + waitMs;
    const interest = {
      owner: call.owner,
      run_ids: scope.run_ids === undefined ? undefined : new Set(scope.run_ids),
      task_id: scope.task_id,
      matters: (run: RunRecord) => until === 'change' || callsFor(run),
    };
    const progress = progressOf(call);
    let heard = waitMs > 0;
    if (heard && scope.run_ids?.every((runId) => isUnchanged(runId, after_seq)) === true) {
      heard = await news.wait(interest, waitMs, call.signal);
    }
    for (;;) {
      const found = await look(scope, after_seq);
      if (!heard || isEnough(until, found)) return found;
      progress(found.open);
      heard = await news.wait(interest, Math.max(0, deadlineMs - clock.uptimeMs()), call.signal);
    }
  }
  /** From memory where that holds all that is asked about: a caller waits for runs that change now. */
  function look(scope: Scope, afterSeq: number): Selected | Promise<Selected> {
    const known = [...new Set(scope.run_ids)].map((runId) => changes.recent(runId));
    const all = known.filter((run) => run !== undefined);
    if (all.length === 0 || all.length < known.length || scope.task_id !== undefined) {
      return store.selectWithOpen({ ...scope, after_seq: afterSeq, limit: pageSize });
    }
    const runs = all.filter((run) => run.seq > afterSeq).toSorted((a, b) => a.seq - b.seq);
    return { runs, open: all.filter((run) => !isTerminal(run.status)).length };
  }
  /** Open, and without news since: then there is nothing to read yet. */
  function isUnchanged(runId: string, afterSeq: number): boolean {
    const known = changes.open.get(runId);
    return known !== undefined && known.seq <= afterSeq;
  }

  return async (input, call) => {
    await checkScope(deps, input, call.owner);
    const isLong = (input.wait_ms ?? 0) > 0;
    const leave = asks.waits(scopeOf(input, call.owner), isLong ? call.connection : undefined);
    const { runs: rows, open } = await waitForNews(input, call).finally(leave);
    const tokens = input.preview_tokens ?? defaultPreviewTokens;
    const previews = tokens > defaultPreviewTokens ? await longerPreviews(deps, rows, tokens) : new Map();
    const isPassing = (run: RunRecord) =>
      input.preview_tokens === undefined && open > 1 && !isTerminal(run.status);
    const tokensFor = (run: RunRecord) => (isPassing(run) ? passingPreviewTokens : tokens);
    const snapshots = rows.map((run) => ({
      seq: run.seq,
      snapshot: toSnapshot(deps, run, previews.get(run.run_id) ?? run.preview, tokensFor(run)),
    }));
    const packed = packRuns(snapshots, maxReplyBytes - pollEnvelopeBytes);
    const cursor = packed.runs.length === 0 ? (input.cursor ?? '0') : packed.cursor;
    const more = packed.more || rows.length === pageSize;
    const selection = { run_ids: input.run_ids, task_id: input.task_id };
    return {
      runs: packed.runs,
      cursor,
      more,
      open,
      next: nextAfterPoll({ selection, runs: packed.runs, cursor, more, open }),
    };
  };
}

interface Scope {
  owner: string;
  run_ids?: string[];
  task_id?: string;
}

function scopeOf({ run_ids, task_id }: PollInput, owner: string): Scope {
  return { owner, ...(run_ids !== undefined && { run_ids }), ...(task_id !== undefined && { task_id }) };
}

/** Tells of the runs that were open when the wait began, or came since, how many have ended. */
function progressOf({ progress }: Call): (open: number) => void {
  let total = 0;
  return (open) => {
    total = Math.max(total, open);
    const ended = total - open;
    progress?.({ progress: ended, total, message: `${String(ended)} of ${String(total)} runs ended` });
  };
}

/** NOT_FOUND names what nobody has. */
async function checkScope({ store, changes }: HandlerDeps, input: PollInput, owner: string): Promise<void> {
  for (const runId of input.run_ids ?? []) {
    const known = changes.open.get(runId) ?? changes.recent(runId) ?? (await store.get(runId));
    if (known === undefined || !covers(owner, known.owner)) throw unknownRun(runId);
  }
  if (input.task_id === undefined || input.run_ids !== undefined) return;
  const [any] = await store.select({ owner, task_id: input.task_id, after_seq: 0, limit: 1 });
  if (any === undefined) throw new FleetError('NOT_FOUND', `There is no task "${input.task_id}".`);
}

/** A cursor is the sequence number of the last change that was told. */
function readCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const seq = /^\d{1,15}$/.test(cursor) ? Number(cursor) : undefined;
  if (seq === undefined) {
    throw new FleetError('INVALID_INPUT', '"cursor" is not one that start_run or poll_run gave.', {
      next: 'Leave it out to hear all there is.',
    });
  }
  return seq;
}

function isEnough(until: Until, { runs, open }: Selected): boolean {
  if (open === 0 || runs.length === pageSize) return true;
  if (until === 'change') return runs.length > 0;
  return runs.some((run) => run.status === 'input_required' || (until === 'any' && isTerminal(run.status)));
}

/** Ended, or in need of an answer: what a call that waits for ends must look at. */
function callsFor(run: RunRecord): boolean {
  return isTerminal(run.status) || run.status === 'input_required';
}
