import { slotsUnder, strainOf } from '../../core/pressure.ts';
import { sanitize } from '../../core/sanitize.ts';
import type { Output } from '../../mcp/handlers.ts';
import { maxReplyBytes, type FleetContracts } from '../../schemas/tools.ts';
import type { WorkerDescriptor, WorkerRow } from '../../schemas/worker.ts';
import { isDraining, slotsOf, stateOf, type FleetWorker } from '../fleet/fleet-worker.ts';
import type { HandlerDeps } from './deps.ts';

type Reply = Output<FleetContracts['list_workers']>;

/** What may stand beside the rows. */
const restBytes = 1_536;
const nextCall = 'start_run';

/** Every worker with its slots; what several miss is explained once. */
export function listWorkers({
  fleet,
  attempts,
  scheduler,
  breakers,
  config,
  clock,
}: HandlerDeps): () => Reply {
  return () => {
    const explained = new Set<string>();
    const rows: WorkerRow[] = [];
    let room = maxReplyBytes - restBytes;
    let left = 0;
    for (const worker of fleet.workers()) {
      const own = slotsOf(worker, attempts.slotsTaken(worker.id), clock.uptimeMs());
      const reason =
        worker.refusal ??
        breakers.barred(worker.id) ??
        (config.scheduling.heed_hosts ? held(worker, own.slots) : undefined);
      const row = toRow(worker, own, explained, reason);
      room -= Buffer.byteLength(JSON.stringify(row)) + 1;
      if (room < 0) left++;
      else rows.push(row);
    }
    return {
      workers: rows,
      pipelines: shorten(Object.keys(config.pipelines)),
      queued: scheduler.queued,
      next: left === 0 ? nextCall : `${nextCall} (${String(left)} more workers are not shown)`,
    };
  };
}

function toRow(
  worker: FleetWorker,
  { slots, busy }: { slots: number; busy: number },
  explained: Set<string>,
  reason: string | undefined,
): WorkerRow {
  const statuses = worker.descriptor?.engines ?? [];
  return {
    worker_id: worker.id,
    state: isDraining(worker) && worker.state === 'up' ? 'draining' : stateOf(worker),
    slots,
    busy,
    ...(reason !== undefined && { reason: sanitize(reason) }),
    ...(worker.descriptor !== undefined && { reaping: worker.descriptor.reaping }),
    engines: statuses.filter((status) => status.available).map(nameOf),
    missing: statuses.filter((status) => !status.available).map((status) => missing(status, explained)),
  };
}

/** Why some of its slots are left free. */
function held({ descriptor }: FleetWorker, slots: number): string | undefined {
  return slotsUnder(descriptor?.host, slots) < slots ? strainOf(descriptor?.host) : undefined;
}

type EngineStatus = WorkerDescriptor['engines'][number];

function nameOf({ engine, version }: EngineStatus): string {
  return version === undefined ? engine : `${engine} ${sanitize(version)}`;
}

function missing({ engine, why = 'not available' }: EngineStatus, explained: Set<string>): string {
  const text = `${engine}: ${sanitize(why)}`;
  if (explained.has(text)) return engine;
  explained.add(text);
  return text;
}

function shorten(names: readonly string[]): string[] {
  let room = restBytes / 2;
  return names.filter((name) => (room -= name.length + 3) > 0);
}
