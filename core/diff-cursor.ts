import type { DiffPosition } from './diff-contents.ts';
import { FleetError } from './errors.ts';

/** Where a comparison goes on: `a.lineA.b.lineB`; the beginning without a cursor. INVALID_INPUT for any other text. */
export function diffStart(cursor: string | undefined): DiffPosition {
  if (cursor === undefined) return { a: 0, lineA: 1, b: 0, lineB: 1 };
  const [, a, lineA, b, lineB] = (/^(\d{1,15})\.(\d{1,15})\.(\d{1,15})\.(\d{1,15})$/.exec(cursor) ?? []).map(
    Number,
  );
  if (a !== undefined && lineA !== undefined && b !== undefined && lineB !== undefined)
    return { a, lineA, b, lineB };
  throw new FleetError('INVALID_INPUT', '"cursor" is none that this mode gave.', {
    next: 'Give back the cursor of the last reply unchanged, or leave it out to begin.',
  });
}

export function showDiffCursor({ a, lineA, b, lineB }: DiffPosition): string {
  return [a, lineA, b, lineB].join('.');
}

export const defaultDiffContext = 2;
