import type { AttemptRecord } from '../schemas/manifest.ts';

type Told = Pick<AttemptRecord, 'ended_at' | 'superseded_by'>;

/** The attempt that tells how its run stands: the first under way, else the last to end that was not won over. */
export function tellingAttempt<T extends Told>(attempts: readonly T[]): T | undefined {
  let last: T | undefined;
  for (const attempt of attempts) {
    const { ended_at: endedAt, superseded_by: winner } = attempt;
    if (endedAt === undefined) return attempt;
    if (winner === undefined && endedAt >= (last?.ended_at ?? -Infinity)) last = attempt;
  }
  return last;
}
