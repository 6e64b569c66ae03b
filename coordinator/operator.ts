import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../core/errors.ts';
import { nothingTold, toldCountsOf } from '../core/token-ledger.ts';
import type { RequestHandlers } from '../mcp/own-requests.ts';
import { workerRequests, type OperatorRequests } from '../schemas/operator.ts';
import type { FleetWorker } from './fleet/fleet-worker.ts';
import type { WorkerLink } from './fleet/worker-link.ts';
import type { HandlerDeps } from './handlers/deps.ts';
import { findHandle } from './handlers/find-handle.ts';
import { reachTimeoutMs } from './handlers/find-run.ts';
import { createExports } from './privacy/export.ts';

type Handlers = RequestHandlers<OperatorRequests>;
type OperatorDeps = Pick<
  HandlerDeps,
  'store' | 'fleet' | 'attempts' | 'retention' | 'told' | 'vault' | 'config' | 'clock' | 'log'
>;

/** A worker that puts its runs away ends within 4 s. */
const endMs = 8_000;
const backMs = 20_000;
const lookEveryMs = 20;

/** What the one who runs the fleet may ask of it, beside the tools. */
export function operatorHandlers(deps: OperatorDeps, owner: string): Handlers {
  const { store, fleet, log } = deps;
  const exports = createExports(deps);
  return {
    'codex-fleet/collect': ({ dry_run: dryRun }) => deps.retention.collect(dryRun),
    'codex-fleet/drain_worker': async ({ worker_id: id, drained }) => {
      const worker = find(deps, id);
      await store.drain(id, drained);
      fleet.drain(worker, drained);
      log.info({ worker: id, drained }, 'drained or not');
      return standing(deps, worker);
    },
    'codex-fleet/told': async ({ run_id: runId }) => {
      const kept = deps.told.kept(runId);
      await deps.told.save();
      const told = (await store.told(runId)) ?? nothingTold(runId);
      return { ...toldCountsOf(told), kept };
    },
    'codex-fleet/restart_worker': async ({ worker_id: id, interrupt }) => {
      const worker = find(deps, id);
      if (worker.origin === 'remote') {
        throw new FleetError('WRONG_STATE', `Worker ${id} was started elsewhere: it is restarted there.`, {
          next: `\`codex-fleet drain ${id} --wait\` makes it ready for that.`,
        });
      }
      const link = await fleet.reach(id, reachTimeoutMs);
      const contract = workerRequests['codex-fleet/end_worker'];
      const { ending } = await link.request('codex-fleet/end_worker', contract, { interrupt });
      if (ending) await cameBack(worker, link);
      return { ...standing(deps, worker), restarted: ending };
    },
    'codex-fleet/export': async ({ handle_id: id, sink, from }) =>
      exports.page(await findHandle(deps, id, owner), sink, from),
    'codex-fleet/restore': async ({ handle_id: id, sink, surrogates }) => ({
      values: await exports.restore(await findHandle(deps, id, owner), sink, surrogates),
    }),
    'codex-fleet/rotate_keys': async () => ({ tasks: await deps.vault.rotate() }),
    'codex-fleet/forget_values': async ({ task_id: id }) => ({ forgotten: await deps.vault.forget(id) }),
    'codex-fleet/restores': ({ task_id: id, most }) =>
      Promise.resolve({ restores: deps.vault.restores({ scope: id }, most) }),
  };
}

/** NOT_FOUND names the workers there are. */
function find({ fleet }: OperatorDeps, id: string): FleetWorker {
  const worker = fleet.get(id);
  if (worker !== undefined) return worker;
  const known = [...fleet.workers()].map((one) => one.id).join(', ');
  throw new FleetError('NOT_FOUND', `There is no worker "${id}".`, { next: `Name one of ${known}.` });
}

function standing({ attempts }: OperatorDeps, { id, drained }: FleetWorker) {
  const open = [...attempts.ofWorker(id)];
  const resting = open.filter((attempt) => attempt.status === 'paused');
  return { worker_id: id, drained, open: open.length, resting: resting.length };
}

/** Its keeper starts the next process as soon as this one is gone. */
async function cameBack(worker: FleetWorker, old: WorkerLink): Promise<void> {
  const boot = old.descriptor.boot_id;
  await until(() => worker.link !== old, endMs, `Worker ${worker.id} does not end.`);
  const isBack = (): boolean => worker.state === 'up' && worker.descriptor?.boot_id !== boot;
  await until(isBack, backMs, `Worker ${worker.id} has ended and did not come back yet.`);
}

async function until(holds: () => boolean, limitMs: number, complaint: string): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new FleetError('WORKER_UNAVAILABLE', complaint);
    await delay(lookEveryMs);
  }
}
