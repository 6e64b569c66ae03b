import { newPace, type Pace } from '../../core/pace.ts';
import type { Candidate } from '../../core/placement.ts';
import { slotsUnder, slowdownOf } from '../../core/pressure.ts';
import { version } from '../../platform/version.ts';
import type { EngineName } from '../../schemas/pipeline.ts';
import type { WorkerDescriptor } from '../../schemas/worker.ts';
import { firstCursor, type WorkerLink } from './worker-link.ts';

/** A worker as the coordinator keeps it: what it was last known to be, and the way to it. */
export interface FleetWorker {
  readonly id: string;
  readonly origin: 'local' | 'remote';
  /** Kept only so that what it stored stays readable: gets no runs. */
  retired: boolean;
  /** Somebody asked that it takes nothing new. */
  drained: boolean;
  /** It may no longer prove itself: gets no runs. */
  revoked: boolean;
  /** Why it was not let in, the last time it was tried. */
  refusal: string | undefined;
  /** Of a worker that was never reached: 0 where nobody knows. */
  readonly expectedSlots: number;
  state: 'starting' | 'up' | 'down';
  /** As last told; of an earlier boot while the worker is down. */
  descriptor: WorkerDescriptor | undefined;
  engines: ReadonlySet<EngineName>;
  pipelines: ReadonlySet<string>;
  labels: ReadonlySet<string>;
  /** What it has signed, where it had to. */
  signed: WorkerLink['signed'];
  readonly pace: Pace;
  /** Slots in use that are not ours. */
  foreignBusy: number;
  link: WorkerLink | undefined;
  /** How far its news were read, in the boot of the descriptor. */
  cursor: string;
  /** Since when it cannot be reached, by a clock that stands still while the machine sleeps. */
  downSinceMs: number;
  /** Tries to connect that came to nothing since it was last up. */
  failedTries: number;
  /** It refused a run for want of a slot: no more until then, by the same clock. */
  fullUntilMs: number;
}

export function newWorker(
  {
    id,
    origin,
    slots,
    retired = false,
    labels,
  }: Pick<FleetWorker, 'id' | 'origin'> & { slots: number; retired?: boolean; labels: readonly string[] },
  uptimeMs: number,
): FleetWorker {
  return {
    id,
    origin,
    retired,
    drained: false,
    revoked: false,
    refusal: undefined,
    expectedSlots: slots,
    state: 'starting',
    descriptor: undefined,
    engines: new Set(),
    pipelines: new Set(),
    labels: new Set(labels),
    signed: undefined,
    pace: newPace(),
    foreignBusy: 0,
    link: undefined,
    cursor: firstCursor,
    downSinceMs: uptimeMs,
    failedTries: 0,
    fullUntilMs: 0,
  };
}

/**
 * Takes over what a worker says of itself; a new boot begins its news anew. `ownBusy` is what we
 * believe to use there.
 */
export function learn(worker: FleetWorker, descriptor: WorkerDescriptor, ownBusy: number): void {
  if (worker.descriptor?.boot_id !== descriptor.boot_id) worker.cursor = firstCursor;
  worker.descriptor = descriptor;
  worker.engines = new Set(
    descriptor.engines.filter((status) => status.available).map((status) => status.engine),
  );
  worker.pipelines = new Set(descriptor.pipelines);
  worker.foreignBusy = Math.max(0, descriptor.busy - ownBusy);
}

/** The same between times, when runs come and go while it answers: what others use is never raised by that. */
export function refresh(worker: FleetWorker, descriptor: WorkerDescriptor, ownBusy: number): void {
  const { foreignBusy } = worker;
  learn(worker, descriptor, ownBusy);
  worker.foreignBusy = Math.min(worker.foreignBusy, foreignBusy);
}

/** Its own slots, and how many of them are in use. */
export function slotsOf(
  worker: FleetWorker,
  ownBusy: number,
  uptimeMs: number,
): Pick<Candidate, 'slots' | 'busy'> {
  const slots = worker.descriptor?.slots ?? worker.expectedSlots;
  const full = uptimeMs < worker.fullUntilMs;
  return { slots, busy: full ? slots : Math.min(slots, ownBusy + worker.foreignBusy) };
}

/** With `heedHost`, only the slots its host can bear. */
export function toCandidate(
  worker: FleetWorker,
  { ownBusy, uptimeMs, heedHost }: { ownBusy: number; uptimeMs: number; heedHost: boolean },
): Candidate {
  const host = heedHost ? worker.descriptor?.host : undefined;
  const own = slotsOf(worker, ownBusy, uptimeMs);
  const slots = slotsUnder(host, own.slots);
  return {
    worker_id: worker.id,
    state: stateOf(worker),
    slots,
    busy: Math.min(slots, own.busy),
    engines: worker.engines,
    pipelines: worker.pipelines,
    local: worker.origin === 'local',
    settled: !isOutdated(worker) && hasTriedEngines(worker),
    retired: isDraining(worker),
    labels: worker.labels,
    signed: worker.signed,
    pace: worker.pace,
    slowdown: slowdownOf(host),
  };
}

/** It finishes what it has, and takes nothing else. */
export function isDraining({ retired, drained, revoked }: FleetWorker): boolean {
  return retired || drained || revoked;
}

export function stateOf(worker: FleetWorker): Candidate['state'] {
  if (worker.state !== 'up') return worker.state;
  return worker.descriptor?.draining === true || isOutdated(worker) ? 'draining' : 'up';
}

function hasTriedEngines({ descriptor }: FleetWorker): boolean {
  return descriptor?.engines.every((status) => status.probing !== true) ?? false;
}

/** A local worker another version of the fleet has started: it finishes what it has. */
export function isOutdated({ origin, descriptor }: FleetWorker): boolean {
  return origin === 'local' && descriptor !== undefined && descriptor.version !== version;
}
