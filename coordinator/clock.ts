/** Two clocks, as arguments to whatever decides by time. */
export interface Clock {
  /** ms since the epoch, for records. */
  now(): number;
  /** ms that never go back and do not count the sleep of the machine, for how long something took. */
  uptimeMs(): number;
}

export const systemClock: Clock = { now: Date.now, uptimeMs: () => performance.now() };
