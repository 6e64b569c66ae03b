/** What was measured of a worker; changed in place as more is learnt. */
export interface Pace {
  /** How long it takes to begin a run it is sent, ms. */
  latency_ms: number;
  /** Its run times against what is typical: 2 is half as fast. */
  slowness: number;
  /** Folders it worked in lately, the latest last: what it has read there may still be in memory. */
  readonly warm: Set<string>;
}

const newest = 0.2;
const warmFolders = 32;
/** One odd run says little about a worker. */
const maxSlowness = 16;

export function newPace(): Pace {
  return { latency_ms: 0, slowness: 1, warm: new Set() };
}

export function tookToBegin(pace: Pace, ms: number): void {
  pace.latency_ms = pace.latency_ms === 0 ? ms : pace.latency_ms + newest * (ms - pace.latency_ms);
}

/** Of the logarithm, so that twice as long and half as long weigh the same. */
export function tookToRun(pace: Pace, ms: number, estimateMs: number): void {
  const seen = Math.min(maxSlowness, Math.max(1 / maxSlowness, Math.max(1, ms) / Math.max(1, estimateMs)));
  pace.slowness *= (seen / pace.slowness) ** newest;
}

export function workedIn(pace: Pace, folder: string): void {
  pace.warm.delete(folder);
  pace.warm.add(folder);
  for (const oldest of pace.warm) {
    if (pace.warm.size <= warmFolders) break;
    pace.warm.delete(oldest);
  }
}
