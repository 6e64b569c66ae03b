import { setMaxListeners } from 'node:events';
import { FleetError } from '../../core/errors.ts';
import type { Candidate } from '../../core/placement.ts';
import type { Environment } from '../../platform/environment.ts';
import type { Logger } from '../../platform/log.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import type { Config } from '../../schemas/config.ts';
import type { Clock } from '../clock.ts';
import { createCandidates } from './candidates.ts';
import { createCredentials } from './credentials.ts';
import { learn, newWorker, refresh, type FleetWorker } from './fleet-worker.ts';
import { keepWorker, type WorkerEvents } from './keep-worker.ts';
import { measureCalls } from '../measure.ts';
import type { LocalWorkers } from './local-workers.ts';
import type { OpenAttempts } from './open-attempts.ts';
import type { RemoteWorkers } from './remote-workers.ts';
import { createRenewal } from './renew-workers.ts';
import type { WorkerLink } from './worker-link.ts';

/** The workers, kept connected, and what each of them can take. */
export interface Fleet {
  workers(): Iterable<FleetWorker>;
  get(id: string): FleetWorker | undefined;
  /** The same array until a worker has changed in more than the slots in use. */
  candidates(): readonly Candidate[];
  /** Begins to connect to every worker, starting the local ones, and those of an earlier fleet that are needed. */
  start(events: WorkerEvents, needed: Iterable<string>): void;
  /** The way to a worker, waited for up to `timeoutMs`; WORKER_UNAVAILABLE after that. */
  reach(id: string, timeoutMs: number): Promise<WorkerLink>;
  /** A worker takes nothing new from now on, or again. */
  drain(worker: FleetWorker, drained: boolean): void;
  /** A run was refused for want of a slot: asks what is really in use. */
  wasFull(worker: FleetWorker): Promise<void>;
  /** Asks every worker that is up how it is; answers those that did. */
  checkAll(): Promise<string[]>;
  receiveCredentials(params: unknown): void;
  /** Replaces workers of another version that have nothing left to do. */
  renew(): void;
  /** Tells the local workers to end, sees to it, and lets go of the others. */
  stop(graceMs: number): Promise<void>;
  /** Lets go of all of them: they go on until somebody comes for them. */
  letGo(): Promise<void>;
}

export interface FleetOptions {
  local: LocalWorkers;
  config: Config;
  env: Environment;
  /** Workers elsewhere that may get runs. */
  enrolmentFile: string;
  attempts: OpenAttempts;
  clock: Clock;
  telemetry: Telemetry;
  log: Logger;
}

const localName = /^local-[1-9]\d*$/;
const fullForMs = 250;
const standInGraceMs = 2_500;

export function createFleet(options: FleetOptions): Fleet {
  const { local, config, env, enrolmentFile, attempts, clock, telemetry, log } = options;
  const workers = new Map<string, FleetWorker>();
  const waiting = new Set<() => void>();
  const loops: Promise<void>[] = [];
  /** Ends the following of a worker. */
  const leaving = new Map<string, AbortController>();
  let loading: Promise<RemoteWorkers> | undefined;
  let stopWatching = (): void => undefined;
  const isBusy = (id: string): boolean => [...attempts.ofWorker(id)].length > 0;
  let ending = false;
  let events: WorkerEvents | undefined;
  const credentials = createCredentials(config.credentials, () =>
    [...workers.values()].flatMap((worker) =>
      worker.origin === 'local' && worker.link !== undefined ? [[worker.id, worker.link]] : [],
    ),
  );

  const candidates = createCandidates(workers, attempts, clock, config.scheduling.heed_hosts);

  const { count, slots, labels } = config.workers;
  for (let n = 1; n <= count; n++) add({ id: `local-${String(n)}`, origin: 'local', slots, labels });
  for (const [id, remote] of Object.entries(config.remote_workers)) {
    add({ id, origin: 'remote', slots: 0, labels: remote.labels });
  }

  function add(kind: Parameters<typeof newWorker>[0]): FleetWorker {
    const worker = newWorker(kind, clock.uptimeMs());
    workers.set(worker.id, worker);
    candidates.outdated();
    return worker;
  }
  function keep(worker: FleetWorker, told: WorkerEvents): void {
    const { id, origin } = worker;
    const leave = new AbortController();
    // One listener and more a call: there is no number that would be too many.
    setMaxListeners(0, leave.signal);
    leaving.set(id, leave);
    const kept = keepWorker(worker, {
      open: async (signal) => {
        if (ending) throw new FleetError('SHUTTING_DOWN', 'The fleet goes down.');
        const link = await (origin === 'local' ? local.open(id, signal) : (await remotes()).open(id, signal));
        return measureCalls(link, { telemetry, counts: () => !ending });
      },
      // A local one is known by its socket, which nobody but the user can open or make.
      confirm: async (link) => (origin === 'local' ? undefined : (await remotes()).confirm(id, link)),
      // Values are for this machine only: a worker elsewhere has its own, of the configuration there.
      greet: async (link) => (origin === 'local' ? credentials.forward(id, link) : undefined),
      ownBusy: () => attempts.slotsTaken(id),
      events: { ...told, changed: () => changed(told) },
      clock,
      log,
      signal: leave.signal,
    });
    loops.push(kept);
  }
  /** Loaded where there are any. */
  function remotes(): Promise<RemoteWorkers> {
    return (loading ??= import('./remote-workers.ts').then(({ createRemoteWorkers }) =>
      createRemoteWorkers({ config, env, enrolmentFile, now: clock.now, isBusy }),
    ));
  }
  async function watchTrust(told: WorkerEvents): Promise<void> {
    const { watchStanding } = await import('../trust/watch-standing.ts');
    const { standing } = await remotes();
    if (ending) return;
    stopWatching = watchStanding({
      workers: () => workers.values(),
      standing,
      isBusy,
      revoked: told.revoked,
      changed: () => changed(told),
      log,
    });
  }
  function addStandIn(): FleetWorker {
    let n = count + 1;
    while (workers.has(`local-${String(n)}`)) n++;
    const worker = add({ id: `local-${String(n)}`, origin: 'local', slots, labels });
    if (events !== undefined) keep(worker, events);
    return worker;
  }
  function dismiss({ id }: FleetWorker): void {
    workers.delete(id);
    candidates.outdated();
    leaving.get(id)?.abort();
    local.end(standInGraceMs, id).catch((error: unknown) => {
      log.error({ worker: id, err: error }, 'a worker could not be ended');
    });
  }
  function changed(told: WorkerEvents): void {
    candidates.outdated();
    if (!ending) renew();
    for (const look of waiting) look();
    told.changed();
  }
  /** A local worker of an earlier, larger fleet comes back for what it has: runs, threads, handles. */
  function recall(id: string): FleetWorker | undefined {
    if (!localName.test(id) || events === undefined) return undefined;
    const worker = add({ id, origin: 'local', slots, labels, retired: true });
    keep(worker, events);
    return worker;
  }

  const renew = createRenewal({ workers, attempts, local, addStandIn, dismiss, log });

  return {
    workers: () => workers.values(),
    get: (id) => workers.get(id),
    candidates: candidates.list,
    start(told, needed) {
      events = told;
      for (const worker of workers.values()) keep(worker, told);
      if (Object.keys(config.remote_workers).length > 0) void watchTrust(told);
      for (const id of needed) if (!workers.has(id)) recall(id);
    },
    async reach(id, timeoutMs) {
      const worker = workers.get(id) ?? recall(id);
      if (worker === undefined) throw unreachable(id);
      if (worker.link !== undefined) return worker.link;
      return new Promise((resolve, reject) => {
        const look = (): void => {
          if (worker.link === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(worker.link);
        };
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(unreachable(id));
        }, timeoutMs);
        waiting.add(look);
      });
    },
    drain(worker, drained) {
      worker.drained = drained;
      candidates.outdated();
      events?.changed();
    },
    async wasFull(worker) {
      worker.fullUntilMs = clock.uptimeMs() + fullForMs;
      candidates.outdated();
      setTimeout(() => {
        candidates.outdated();
        events?.changed();
      }, fullForMs).unref();
      const descriptor = await describe(worker);
      if (descriptor !== undefined) learn(worker, descriptor, attempts.slotsTaken(worker.id));
      candidates.outdated();
    },
    async checkAll() {
      const answers = await Promise.all(
        [...workers.values()].map(async (worker) => {
          const descriptor = await describe(worker);
          if (descriptor === undefined) return [];
          refresh(worker, descriptor, attempts.slotsTaken(worker.id));
          return [worker.id];
        }),
      );
      candidates.outdated();
      events?.changed();
      if (!ending) renew();
      return answers.flat();
    },
    receiveCredentials: (params) => credentials.receive(params),
    renew: () => {
      if (!ending) renew();
    },
    async stop(graceMs) {
      ending = true;
      // First the processes, so that the last they say of their runs is still heard.
      await local.end(graceMs);
      await leaveAll();
      await local.end(graceMs);
    },
    async letGo() {
      ending = true;
      await leaveAll();
    },
  };

  async function leaveAll(): Promise<void> {
    stopWatching();
    for (const leave of leaving.values()) leave.abort();
    await Promise.all(loops);
  }

  async function describe(worker: FleetWorker): Promise<FleetWorker['descriptor']> {
    if (worker.state !== 'up') return undefined;
    return worker.link?.call('describe_worker', {}, { timeoutMs: 5_000 }).catch(() => undefined);
  }
}

function unreachable(id: string): FleetError {
  return new FleetError('WORKER_UNAVAILABLE', `Worker ${id} cannot be reached.`);
}
