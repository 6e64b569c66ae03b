import type { Searched } from '../../../../core/grep/search-lines.ts';
import type { Content } from './content.ts';
import type { Pace } from '../../../../platform/pace.ts';

/** Where a search stands: at a line's beginning, within a long line, or past what was found in one. */
export interface Position {
  offset: number;
  at: 'line' | 'within' | 'skip';
}

export interface Hit {
  /** Where what was looked for begins. */
  at: number;
  /** Where its line begins; undefined for one that began in an earlier chunk. */
  line: number | undefined;
}

export interface Scanned {
  hits: Hit[];
  count: number;
  position: Position;
  /** A chunk the pattern is too slow for. */
  stuck: boolean;
}

/** Searches whole lines, or a piece of a line longer than a chunk. undefined: too slow, given up. */
export type SearchChunk = (
  bytes: Buffer,
  options: { want: number; countOnly: boolean },
) => Promise<Searched | undefined>;

/** Bytes of a long line looked at twice, so that a match across two chunks is found. */
const overlapBytes = 4096;

/**
 * Searches `[from, to)` for lines that match, chunk by chunk: lines are whole for the search, but
 * those longer than a chunk come in pieces, where `^` and `$` also match at the seams and a match of
 * more than 4 KiB may be missed.
 */
export async function scanHits(
  content: Content,
  range: { from: Position; to: number; want: number; countOnly: boolean },
  search: SearchChunk,
  pace: Pace,
): Promise<Scanned> {
  const { to, want, countOnly } = range;
  const hits: Hit[] = [];
  let count = 0;
  let position = range.from;
  const done = (stuck: boolean): Scanned => ({ hits, count, position, stuck });
  for (let chunks = 0; position.offset < to && (countOnly || hits.length < want); chunks += 1) {
    if (chunks > 0 && !pace.mayGoOn()) return done(false);
    await pace.breathe();
    const { offset, at } = position;
    const bytes = await content.readChunk(offset, to);
    if (bytes.length === 0) return done(false);
    if (at === 'skip') {
      const newline = bytes.indexOf(10);
      position =
        newline === -1 ? { offset: offset + bytes.length, at } : { offset: offset + newline + 1, at: 'line' };
      continue;
    }
    const reachesEnd = offset + bytes.length >= to;
    const newline = bytes.lastIndexOf(10);
    const piece = !reachesEnd && newline === -1;
    const whole = reachesEnd || piece ? bytes : bytes.subarray(0, newline + 1);
    const found = await search(whole, { want: countOnly ? Infinity : want - hits.length, countOnly });
    if (found === undefined) return done(true);
    count += found.count;
    for (const hit of found.hits) {
      hits.push({
        at: offset + hit.at,
        line: at === 'within' && hit.line === 0 ? undefined : offset + hit.line,
      });
    }
    const end = offset + found.end;
    if (!piece || found.end < whole.length) position = { offset: end, at: found.end === 0 ? at : 'line' };
    else if (found.count > 0) position = { offset: end, at: 'skip' };
    else position = { offset: Math.max(offset + 1, end - overlapBytes), at: 'within' };
  }
  return done(false);
}
