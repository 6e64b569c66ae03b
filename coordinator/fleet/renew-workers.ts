import type { Logger } from '../../platform/log.ts';
import { isOutdated, type FleetWorker } from './fleet-worker.ts';
import type { LocalWorkers } from './local-workers.ts';
import type { OpenAttempts } from './open-attempts.ts';

export interface RenewOptions {
  workers: ReadonlyMap<string, FleetWorker>;
  attempts: Pick<OpenAttempts, 'ofWorker'>;
  local: Pick<LocalWorkers, 'end'>;
  /** Adds a local worker to those of the configuration. */
  addStandIn(): FleetWorker;
  /** Lets one go that has nothing to do any more. */
  dismiss(standIn: FleetWorker): void;
  log: Logger;
}

const graceMs = 2_500;

/**
 * Replaces local workers of another version: each finishes what it has, beside one of this version that
 * stands in for it; once it has nothing left it is ended, and started anew under its own name. What it
 * stored, and threads that rest there, are then the new one's.
 */
export function createRenewal(options: RenewOptions): () => void {
  const { workers, attempts, local, addStandIn, dismiss, log } = options;
  const ending = new Set<string>();
  const standIns = new Map<string, FleetWorker>();

  function hasProcesses({ id, foreignBusy }: FleetWorker): boolean {
    const busy = [...attempts.ofWorker(id)].some(({ status, holdsSlot }) => status !== 'paused' || holdsSlot);
    return busy || foreignBusy > 0;
  }
  function replace(worker: FleetWorker): void {
    const { id } = worker;
    if (ending.has(id)) return;
    if (hasProcesses(worker)) {
      if (worker.retired || standIns.has(id)) return;
      const standIn = addStandIn();
      standIns.set(id, standIn);
      log.info({ worker: id, standIn: standIn.id }, 'a worker of another version finishes what it has');
      return;
    }
    log.info({ worker: id, version: worker.descriptor?.version }, 'a worker of another version is replaced');
    ending.add(id);
    local
      .end(graceMs, id)
      .catch((error: unknown) => log.error({ worker: id, err: error }, 'a worker could not be ended'))
      .finally(() => ending.delete(id));
  }
  function relieve(id: string, standIn: FleetWorker): void {
    const worker = workers.get(id);
    if (worker?.state !== 'up' || isOutdated(worker)) return;
    standIn.retired = true;
    if ([...attempts.ofWorker(standIn.id)].length > 0) return;
    standIns.delete(id);
    dismiss(standIn);
  }
  return () => {
    for (const worker of workers.values()) {
      if (worker.state === 'up' && isOutdated(worker)) replace(worker);
    }
    for (const [id, standIn] of standIns) relieve(id, standIn);
  };
}
