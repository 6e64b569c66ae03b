import type { Policy } from '../../core/placement.ts';
import { leastLoaded } from './least-loaded.ts';

/** Ways to choose a worker for a run, by name. */
export const policies = { 'least-loaded': leastLoaded } as const satisfies Record<string, Policy>;

export const defaultPolicy: Policy = policies['least-loaded'];
