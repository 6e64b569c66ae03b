import type { Policy } from '../../core/placement.ts';
import type { Config } from '../../schemas/config.ts';
import { leastExpectedCompletion } from './least-expected-completion.ts';
import { leastLoaded } from './least-loaded.ts';
import { roundRobin } from './round-robin.ts';

/** By the name a configuration has for them. */
export const policies: Readonly<Record<Config['scheduling']['policy'], Policy>> = {
  'least-expected-completion': leastExpectedCompletion,
  'least-loaded': leastLoaded,
  'round-robin': roundRobin,
};
