import type { HostPressure } from '../schemas/worker.ts';

const shortMemory = 0.1;
const scarceMemory = 0.05;
const longStalls = 0.4;
const highLoad = 4;
/** What is swapped or waits for a disk goes on, at a guess, half as fast. */
const heldUpSlowdown = 2;

/** What a host is short of, in the words of `list_workers`; undefined where nothing is, or nobody has said. */
export function strainOf(host: HostPressure | undefined): string | undefined {
  if (host === undefined) return undefined;
  if (host.memory_free < shortMemory) return 'host short of memory';
  if (isStalled(host)) return 'host stalled on memory or I/O';
  return host.load > highLoad ? 'host overloaded' : undefined;
}

/**
 * How many of a worker's slots to use: all while its host is fine; half with less than a tenth of the
 * memory free, with tasks that waited for memory or I/O for over 40 % of the time, or with a load above
 * four a core; one with less than a twentieth of the memory free. One more run on such a host makes all of
 * them slower, and the last of the memory ends one of them. Never none: what a host is short of may be
 * others' doing, and runs have to go on even so. The bounds are rules of thumb, wide enough that a busy
 * host that copes is left alone.
 */
export function slotsUnder(host: HostPressure | undefined, slots: number): number {
  if (strainOf(host) === undefined) return slots;
  const isScarce = host !== undefined && host.memory_free < scarceMemory;
  return Math.min(slots, isScarce ? 1 : Math.ceil(slots / 2));
}

/**
 * By what a run likely takes longer on a host, 1 or more: the load of each core, and twice that where it
 * is short of memory or stalled. The load in whole steps, so that the workers of one host, asked at
 * different times, stay equal.
 */
export function slowdownOf(host: HostPressure | undefined): number {
  if (host === undefined) return 1;
  const isHeldUp = host.memory_free < shortMemory || isStalled(host);
  return Math.max(1, Math.round(host.load)) * (isHeldUp ? heldUpSlowdown : 1);
}

function isStalled({ stalled = 0 }: HostPressure): boolean {
  return stalled > longStalls;
}
