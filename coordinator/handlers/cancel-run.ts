import { covers } from '../../core/owners.ts';
import { FleetError } from '../../core/errors.ts';
import { nextAfterCancel } from '../../core/next.ts';
import type { Call, Input, Output } from '../../mcp/handlers.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import { cancelRuns } from '../cancel-runs.ts';
import type { RunRecord } from '../store/run-store.ts';
import type { HandlerDeps } from './deps.ts';
import { findRun } from './find-run.ts';

type Contract = FleetContracts['cancel_run'];

/** A reply of 8 KiB holds these; a larger task is cancelled whole all the same. */
const shownRuns = 100;
const pageSize = 200;
const lastWordMs = 250;

type Shown = Output<Contract>['runs'][number];

/** Ends runs: those that wait at once, the others by their worker. Asked for durably before it is acted on. */
export function cancelRun(
  deps: HandlerDeps,
): (input: Input<Contract>, call: Call) => Promise<Output<Contract>> {
  const { store, attempts, news } = deps;

  /** What the worker told while the cancel was under way, and a moment longer. */
  async function statusAfter(shown: readonly RunRecord[], call: Call): Promise<Shown[]> {
    const open = shown.filter((run) => !isTerminal(run.status)).map((run) => run.run_id);
    if (open.some((runId) => attempts.get(runId) !== undefined)) {
      const matters = (run: RunRecord): boolean => isTerminal(run.status);
      const interest = { owner: call.owner, run_ids: new Set(open), task_id: undefined, matters };
      await news.wait(interest, lastWordMs, call.signal);
    }
    const now = await Promise.all(shown.map(async (run) => (await store.get(run.run_id)) ?? run));
    return now.map(({ run_id, status }) => ({ run_id, status }));
  }
  return async (input, call) => {
    const runIds = await selectRuns(deps, input, call.owner);
    const runs = await cancelRuns(deps, runIds);
    const shown = await statusAfter(runs.slice(0, shownRuns), call);
    if (shown.length === 0) return { runs: [], next: 'Every run of it had ended before.' };
    return { runs: shown, next: nextAfterCancel(shown) };
  };
}

async function selectRuns(deps: HandlerDeps, input: Input<Contract>, owner: string): Promise<string[]> {
  const { run_ids: runIds, task_id: taskId, group } = input;
  const isMeant = (spec: { task_id: string; group?: string | undefined }): boolean =>
    (taskId === undefined || spec.task_id === taskId) && (group === undefined || spec.group === group);
  if (runIds !== undefined) {
    const runs = await Promise.all(runIds.map((runId) => findRun(deps, runId, owner)));
    return runs.filter((run) => isMeant(run.spec)).map((run) => run.run_id);
  }
  // Of a group that has ended nothing is known any more: there, too, nothing is left to end.
  if (group !== undefined) {
    const open = [...deps.changes.open].filter(([, run]) => covers(owner, run.owner) && isMeant(run));
    // An end is in the store a moment before it is told here.
    const runs = await Promise.all(open.map(([runId]) => deps.store.get(runId)));
    return runs.flatMap((run) => (run === undefined || isTerminal(run.status) ? [] : [run.run_id]));
  }
  if (taskId === undefined)
    throw new FleetError(
      'INVALID_INPUT',
      'Name runs by run_ids, all of a task by task_id, or those of one start_run by its group.',
    );
  return openRunsOf(deps, owner, taskId);
}

/** NOT_FOUND for a task without any run. */
async function openRunsOf({ store }: HandlerDeps, owner: string, taskId: string): Promise<string[]> {
  const open: string[] = [];
  let page: RunRecord[];
  let seq = 0;
  do {
    page = await store.select({ owner, task_id: taskId, after_seq: seq, limit: pageSize });
    if (seq === 0 && page.length === 0) throw new FleetError('NOT_FOUND', `There is no task "${taskId}".`);
    for (const run of page) if (!isTerminal(run.status)) open.push(run.run_id);
    seq = page.at(-1)?.seq ?? seq;
  } while (page.length === pageSize);
  return open;
}
