import type { Oracle } from './oracle.ts';
import type { Deaths } from './processes.ts';
import type { Random } from './random.ts';
import type { Site } from './site.ts';
import type { Time } from './time.ts';
import type { Traffic } from './traffic.ts';
import type { Violation } from './violation.ts';

/** A fleet under fire, as the faults see it. */
export interface Stage {
  site: Site;
  time: Time;
  random: Random;
  traffic: Traffic;
  oracle: Oracle;
  deaths: Deaths;
  /** See Evidence. */
  killed: Set<string>;
  /** Wrong in itself, whatever becomes of the runs. */
  violations: Violation[];
  /** What the scenario was to do and did not come to. */
  unreached: string[];
  kills: Record<'coordinator' | 'worker' | 'engine' | 'bridge', number>;
}
