import type { LiveRecord } from './live-record.ts';

/** Private values replaced in a run so far. */
export function replacedBy({ privacy }: Pick<LiveRecord, 'privacy'>): number {
  return Object.values(privacy.told().replaced ?? {}).reduce((sum, count) => sum + count, 0);
}
