/** Two clocks, as arguments to whatever decides by time. */
export interface Clock {
  /** ms since the epoch, for records. */
  now(): number;
  /**
   * ms that never go back and do not count the sleep of the machine, for how long something took. Node
   * reads uv_hrtime, which on Linux is CLOCK_MONOTONIC (libuv src/unix/linux.c): it stands still while
   * the machine is suspended (clock_gettime(2); CLOCK_BOOTTIME would not), but goes on while the process
   * is stopped.
   */
  uptimeMs(): number;
}

export const systemClock: Clock = { now: Date.now, uptimeMs: () => performance.now() };
