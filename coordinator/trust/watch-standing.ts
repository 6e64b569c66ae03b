import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../platform/log.ts';
import type { FleetWorker } from '../fleet/fleet-worker.ts';
import type { Standing } from './prover.ts';

export interface StandingOptions {
  workers: () => Iterable<FleetWorker>;
  standing: (name: string) => Standing;
  isBusy: (name: string) => boolean;
  /** Ends what a worker has of ours. */
  revoked: (worker: FleetWorker) => Promise<void>;
  /** A worker takes nothing new from now on, or again. */
  changed: () => void;
  log: Logger;
}

const lookEveryMs = 1_000;
/** For its last word on what it has just been told to end. */
const lastWordMs = 4_000;

/** Sees within a second that a worker was revoked, wherever that was said. Until the answer is called. */
export function watchStanding(options: StandingOptions): () => void {
  const { log } = options;
  const leaving = new Set<FleetWorker>();

  async function letGo(worker: FleetWorker): Promise<void> {
    const { link } = worker;
    await options.revoked(worker);
    const deadline = performance.now() + lastWordMs;
    while (options.isBusy(worker.id) && performance.now() < deadline) await delay(20);
    await link?.close();
    log.warn({ worker: worker.id }, 'the worker was revoked');
  }
  function look(): void {
    for (const worker of options.workers()) {
      if (worker.origin !== 'remote' || worker.link === undefined || leaving.has(worker)) continue;
      const standing = options.standing(worker.id);
      const isRevoked = standing !== 'trusted';
      if (isRevoked !== worker.revoked) {
        worker.revoked = isRevoked;
        options.changed();
      }
      if (standing !== 'refused') continue;
      leaving.add(worker);
      letGo(worker)
        .catch((error: unknown) =>
          log.error({ err: error, worker: worker.id }, 'runs could not be cancelled'),
        )
        .finally(() => leaving.delete(worker));
    }
  }
  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
