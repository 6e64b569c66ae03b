import type { Clock } from '../clock.ts';

/** A clock that is set forward tells the later time only once it has stood for so long. */
const settleMs = 3_600_000;
/** Clocks are slewed, and two of them drift apart. */
const slackMs = 60_000;

export interface SteadyClock {
  now(): number;
}

/**
 * The time by which outputs are too old to be kept: that of the clock, unless it jumped ahead, which a
 * clock set wrong by a day does as one set right. What is forgotten is gone for good, so that is believed
 * only after a while, in which somebody may set it back; the sleep of the machine looks the same.
 */
export function createSteadyClock({ now, uptimeMs }: Clock): SteadyClock {
  let offset = now() - uptimeMs();
  let ahead: { offset: number; since: number } | undefined;
  return {
    now() {
      const uptime = uptimeMs();
      const current = now() - uptime;
      if (current <= offset + slackMs) {
        ahead = undefined;
        offset = current;
      } else {
        if (ahead === undefined || current > ahead.offset + slackMs)
          ahead = { offset: current, since: uptime };
        if (uptime - ahead.since >= settleMs) {
          offset = current;
          ahead = undefined;
        }
      }
      return offset + uptime;
    },
  };
}
