import type { RunSnapshot } from '../schemas/run.ts';
import { isTerminal } from '../schemas/run-words.ts';
import { maxWaitMs } from '../schemas/tools.ts';

/*
 * The `next` of every reply about runs: the one sensible call to make, ready to be made.
 */

/** Runs asked about one by one; more of them would fill the reply. */
const maxListedRuns = 4;

export interface PollSelection {
  run_ids?: readonly string[] | undefined;
  task_id?: string | undefined;
}

export function nextAfterStart(taskId: string, cursor: string): string {
  return call('poll_run', { task_id: taskId, cursor, wait_ms: maxWaitMs });
}

export interface Polled {
  selection: PollSelection;
  runs: readonly RunSnapshot[];
  cursor: string;
  more: boolean;
  /** Runs of the selection that have not ended. */
  open: number;
}

export function nextAfterPoll({ selection, runs, cursor, more, open }: Polled): string {
  if (more) return pollAgain(selection, { cursor });
  const asking = runs.find((run) => run.status === 'input_required');
  if (asking !== undefined)
    return `${call('resume_run', { run_id: asking.run_id, answer: 'accept' })} or "decline"`;
  const paused = runs.filter((run) => run.status === 'paused');
  if (paused[0] !== undefined && paused.length === open)
    return call('resume_run', { run_id: paused[0].run_id });
  if (open > 0) return pollAgain(selection, { cursor, wait_ms: maxWaitMs });
  return nextToRead(runs) ?? 'Nothing is left to wait for.';
}

export function nextAfterPause(runId: string): string {
  return call('resume_run', { run_id: runId });
}

/** After resume_run, and wherever one run is to be followed. */
export function nextToFollow(runId: string): string {
  return call('poll_run', { run_ids: [runId], wait_ms: maxWaitMs });
}

export function nextAfterCancel(runs: readonly { run_id: string; status: RunSnapshot['status'] }[]): string {
  const ending = runs.find((run) => !isTerminal(run.status));
  return ending === undefined ? 'Handles stay readable by read_handle.' : nextToFollow(ending.run_id);
}

function pollAgain(selection: PollSelection, rest: { cursor: string; wait_ms?: number }): string {
  const { run_ids: runIds, task_id: taskId } = selection;
  if (taskId !== undefined) return call('poll_run', { task_id: taskId, ...rest });
  if (runIds === undefined) return call('poll_run', rest);
  if (runIds.length <= maxListedRuns) return call('poll_run', { run_ids: runIds, ...rest });
  return `${call('poll_run', rest)} with the same run_ids`;
}

/** What failed first, and of it the stream that says why. */
function nextToRead(runs: readonly RunSnapshot[]): string | undefined {
  const failed = runs.find((run) => run.status === 'failed' && run.handles !== undefined);
  const run = failed ?? runs.find((one) => one.handles !== undefined);
  const order =
    failed === undefined ? ['last_message', 'stdout', 'diff'] : ['stderr', 'last_message', 'stdout'];
  const handles = run?.handles ?? [];
  const handle = order
    .map((stream) => handles.find((one) => one.stream === stream))
    .find((one) => one !== undefined);
  const chosen = handle ?? handles[0];
  if (chosen === undefined) return undefined;
  return call('read_handle', { handle_id: chosen.handle_id, ...(failed !== undefined && { mode: 'tail' }) });
}

function call(tool: string, input: Record<string, unknown>): string {
  return `${tool} ${JSON.stringify(input)}`;
}
