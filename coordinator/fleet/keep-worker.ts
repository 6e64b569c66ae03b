import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import type { Logger } from '../../platform/log.ts';
import type { RunDetail } from '../../schemas/worker.ts';
import type { Clock } from '../clock.ts';
import { createBackoff } from './backoff.ts';
import { learn, type FleetWorker } from './fleet-worker.ts';
import { readNews, type WorkerLink } from './worker-link.ts';

/** What the rest of the coordinator does about a worker's comings, goings and news. */
export interface WorkerEvents {
  /** Settles when they are durable; a rejection makes the worker tell them again. */
  details(worker: FleetWorker, details: readonly RunDetail[]): Promise<void>;
  /** Connected, and all its news read: whatever of ours it has not told of it does not have. */
  attached(worker: FleetWorker, link: WorkerLink): Promise<void>;
  /** It was revoked: what it has of ours has to end. Settles once that was said. */
  revoked(worker: FleetWorker): Promise<void>;
  /** What can be placed may have changed. */
  changed(): void;
}

export interface Keeping {
  /** Connects, or starts the worker and connects. */
  open(signal: AbortSignal): Promise<WorkerLink>;
  /** Before each wait for news: whether the worker may stay, and what it has signed where that is new. Rejects where not. */
  confirm(link: WorkerLink): Promise<WorkerLink['signed']>;
  /** Before anything else is said to a worker. */
  greet(link: WorkerLink): Promise<void>;
  ownBusy(): number;
  events: WorkerEvents;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

const firstWaitMs = 50;
const longestWaitMs = 10_000;
/** A worker that stayed this long was no failure to start. */
const steadyMs = 30_000;

/** Stays connected to a worker and follows its runs, until `signal`. Never rejects. */
export async function keepWorker(worker: FleetWorker, keeping: Keeping): Promise<void> {
  const { signal, clock, log, events } = keeping;
  const backoff = createBackoff(firstWaitMs, longestWaitMs);
  while (!signal.aborted) {
    const begunMs = clock.uptimeMs();
    try {
      const link = await keeping.open(signal);
      await useLink(worker, link, keeping);
    } catch (error) {
      if (!signal.aborted) logLoss(worker, error, log);
      worker.refusal = refusalOf(error);
    }
    if (worker.state === 'up') worker.downSinceMs = clock.uptimeMs();
    else worker.failedTries++;
    worker.state = worker.descriptor === undefined ? 'starting' : 'down';
    events.changed();
    if (clock.uptimeMs() - begunMs > steadyMs) backoff.reset();
    await pause(backoff.nextMs(), signal);
  }
}

/** From the handshake to the end of the connection. */
async function useLink(worker: FleetWorker, link: WorkerLink, keeping: Keeping): Promise<void> {
  const { signal, log, events, ownBusy } = keeping;
  try {
    learn(worker, link.descriptor, ownBusy());
    worker.link = link;
    worker.signed = link.signed;
    await keeping.greet(link);
    while (await takeNews(worker, link, false, keeping));
    await events.attached(worker, link);
    worker.state = 'up';
    worker.failedTries = 0;
    worker.refusal = undefined;
    log.info({ worker: worker.id, boot: link.descriptor.boot_id }, 'worker attached');
    events.changed();
    while (!signal.aborted) {
      const signed = await keeping.confirm(link);
      if (signed !== undefined) {
        worker.signed = signed;
        events.changed();
      }
      await takeNews(worker, link, true, keeping);
    }
  } finally {
    worker.link = undefined;
    await link.close();
  }
}

/** Whether there is more. The cursor goes on only once the news are durable. */
async function takeNews(
  worker: FleetWorker,
  link: WorkerLink,
  wait: boolean,
  { signal, events }: Keeping,
): Promise<boolean> {
  const news = await readNews(link, worker.cursor, wait, signal);
  if (news.details.length > 0) await events.details(worker, news.details);
  worker.cursor = news.cursor;
  return news.more;
}

/** A worker that is away is nothing odd; anything else is. */
function logLoss(worker: FleetWorker, error: unknown, log: Logger): void {
  if (error instanceof FleetError && error.code === 'WORKER_UNAVAILABLE') {
    log.warn({ worker: worker.id, why: error.message }, 'worker out of reach');
  } else if (!(error instanceof FleetError) || error.code !== 'SHUTTING_DOWN') {
    log.error({ worker: worker.id, err: error }, 'worker out of reach');
  }
}

function refusalOf(error: unknown): string | undefined {
  return error instanceof FleetError && error.code === 'UNAUTHORIZED'
    ? `${error.message} ${error.next}`
    : undefined;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
