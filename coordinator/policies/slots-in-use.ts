import type { Candidate } from '../../core/placement.ts';

/** In the words of a manifest. */
export function slotsInUse({ busy, slots }: Pick<Candidate, 'busy' | 'slots'>): string {
  return `${String(busy)} of ${String(slots)} slots in use`;
}
