import { covers } from '../../core/owners.ts';
import { FleetError } from '../../core/errors.ts';
import { nextAfterStart } from '../../core/next.ts';
import { linkRuns } from '../../core/dependencies.ts';
import { isHopeless, needOf, unableReasons } from '../../core/placement.ts';
import { routeOf, type Route } from '../../core/route.ts';
import { acceptRequests, foldersOf, type Folder, type StartRunInput } from '../../core/spec.ts';
import type { Call, Output } from '../../mcp/handlers.ts';
import { newGroupId, newRunId, newTaskId } from '../../platform/ids.ts';
import type { RunSpec } from '../../schemas/run.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import type { Accepted, Scheduler, Wait } from '../scheduler.ts';
import type { RunRecord } from '../store/run-store.ts';
import type { HandlerDeps } from './deps.ts';
import { unknownRun } from './find-run.ts';
import { createFolderResolver, type ResolveFolders } from './resolve-cwd.ts';

type Reply = Output<FleetContracts['start_run']>;

/** Accepts runs: they are on disk before the answer, and placed in the same commit where slots are free. */
export function startRun(deps: HandlerDeps): (input: StartRunInput, call: Call) => Promise<Reply> {
  const { scheduler, attempts, asks, privacy, clock, config } = deps;
  const resolve = createFolderResolver(clock.uptimeMs);
  const ways: Record<Route, Scheduler['submit']> = { delegated: (runs) => scheduler.submit(runs) };
  return async (input, call) => {
    if (deps.isStopping())
      throw new FleetError('SHUTTING_DOWN', 'The fleet goes down and takes no new runs.');
    const folders = await findFolders(input, call, deps, resolve);
    const specs = acceptRequests(input, {
      folder: (asked) => folders.get(asked) ?? { cwd: asked, pipelines: config.pipelines },
      depth: { caller: call.depth ?? deps.depth, max: config.max_depth },
      defaults: { cwd: call.cwd, callId: call.callId },
      newTaskId,
      newGroupId,
    });
    for (const spec of specs) refuseHopeless(spec, deps);
    const runIds = specs.map(() => newRunId());
    const linked = linkRuns(specs, runIds);
    await checkEarlier(linked, runIds, call.owner, deps);
    const kept = await privacy.protect(linked);
    const now = clock.now();
    const accepted = await ways[routeOf(linked)](
      kept.map((spec, at) => ({
        run_id: runIds[at] ?? newRunId(),
        owner: call.starts ?? call.owner,
        spec,
        now,
      })),
    );
    const runs = accepted.map(({ submitted }, at) => {
      if (submitted.kind === 'created' || submitted.kind === 'existing') return submitted.run;
      throw overBudget(accepted, specs) ?? conflict(accepted, specs, at);
    });
    asks.started(
      runs.filter(({ spec }) => spec.ask).map((run) => run.run_id),
      call.connection,
    );
    const { task_id: taskId = '', group } = runs[0]?.spec ?? {};
    const cursor = String(cursorBefore(accepted, runs));
    return {
      task_id: taskId,
      ...(group !== undefined && { group }),
      runs: accepted.map(({ submitted, wait }, at) => {
        const run = runs[at];
        const placed = run !== undefined && attempts.get(run.run_id) !== undefined;
        const status = submitted.kind === 'created' && placed ? 'running' : (run?.status ?? 'pending');
        return { run_id: run?.run_id ?? '', status, ...told(wait) };
      }),
      cursor,
      next: nextAfterStart(taskId, cursor),
    };
  };
}

function told(wait: Wait | undefined): Partial<Reply['runs'][number]> {
  if (wait === undefined) return {};
  const { position, wait_ms } = wait;
  return { position, ...(wait_ms !== undefined && { wait_ms }) };
}

/** Every folder the call names, checked, with what its project allows. */
async function findFolders(
  input: StartRunInput,
  call: Call,
  { config, places, home, stateDir }: HandlerDeps,
  resolve: ResolveFolders,
): Promise<Map<string, Folder>> {
  const allowed = { roots: config.roots, bridge: call.cwd, home, state: stateDir };
  const found = await resolve(foldersOf(input, call.cwd), allowed);
  return new Map(
    [...found].map(([asked, cwd]) => [
      asked,
      { cwd, pipelines: places.configIn(cwd).pipelines, inRepository: places.workTree(cwd) !== undefined },
    ]),
  );
}

/** Says at once what is missing where no worker could ever serve a run. */
function refuseHopeless(spec: RunSpec, { places, fleet }: HandlerDeps): void {
  const need = needOf(spec, places.recipesIn(spec.cwd), undefined);
  const workers = fleet.candidates();
  if (!isHopeless(need, workers)) return;
  const statuses = [...fleet.workers()].flatMap((worker) => worker.descriptor?.engines ?? []);
  const missing = statuses.find((status) => need.engines.includes(status.engine) && !status.available);
  if (missing?.why !== undefined) throw new FleetError('ENGINE_UNAVAILABLE', missing.why);
  const reasons = unableReasons(need, workers);
  throw new FleetError(
    'ENGINE_UNAVAILABLE',
    `No worker can run pipeline "${spec.pipeline}": ${reasons.join(', ')}.`,
    reasons.includes('pipeline unknown')
      ? {
          next: 'Workers read the configuration when they start: run `codex-fleet down`, then `codex-fleet up`.',
        }
      : {},
  );
}

/** NOT_FOUND names a run that another is to come after, and that the caller does not have. */
async function checkEarlier(
  specs: readonly RunSpec[],
  runIds: readonly string[],
  owner: string,
  { store, changes }: HandlerDeps,
): Promise<void> {
  const earlier = new Set(specs.flatMap((spec) => spec.after ?? []));
  for (const runId of earlier) {
    if (runIds.includes(runId)) continue;
    const known = changes.open.get(runId) ?? (await store.get(runId));
    if (known === undefined || !covers(owner, known.owner)) throw unknownRun(runId);
  }
}

function overBudget(accepted: readonly Accepted[], specs: readonly RunSpec[]): FleetError | undefined {
  for (const [at, { submitted }] of accepted.entries()) {
    if (submitted.kind !== 'over_budget') continue;
    const { which, limit, raises } = submitted;
    const task = `Task "${specs[at]?.task_id ?? ''}"`;
    if (!raises) {
      return new FleetError('BUDGET_SPENT', `${task} may have ${String(limit)} ${which}. None was started.`);
    }
    const asked = String(specs[at]?.task_budget?.[which] ?? 0);
    return new FleetError(
      'INVALID_INPUT',
      `"task_budget.${which}" is ${asked}, and ${task} has ${String(limit)}: a budget can only be lowered.`,
    );
  }
  return undefined;
}

function conflict(accepted: readonly Accepted[], specs: readonly RunSpec[], at: number): FleetError {
  const first = accepted.findIndex(({ submitted }) => submitted.kind === 'conflict');
  const where = first < 0 ? at : first;
  const other = accepted[where]?.submitted;
  const holder = other?.kind === 'conflict' ? ` by ${other.run_id}` : '';
  const key = JSON.stringify(specs[where]?.request_key ?? '');
  const which = specs.length === 1 ? 'The run' : `runs[${String(where)}]`;
  return new FleetError(
    'CONFLICT',
    `${which} has the request_key ${key}, taken${holder} with another spec. None was started.`,
  );
}

/** After what this answer tells; before all that is known of runs that existed. */
function cursorBefore(accepted: readonly Accepted[], runs: readonly RunRecord[]): number {
  const existing = runs.filter((_run, at) => accepted[at]?.submitted.kind === 'existing');
  if (existing.length > 0) return Math.min(...runs.map((run) => run.seq)) - 1;
  return Math.max(0, ...runs.map((run) => run.seq));
}
