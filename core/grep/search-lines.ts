import { hidesLetters, type LiteralFinder } from './literal-finder.ts';

/** A line that matches: where it begins, and where in it what was looked for does. */
export interface LineHit {
  line: number;
  at: number;
}

export interface Searched {
  hits: LineHit[];
  /** Matching lines among those looked at; as many as `hits` unless they were only counted. */
  count: number;
  /** Up to where the bytes were searched: the end of a line, or of the bytes. */
  end: number;
}

/** The part of a line search that decides; `end` leaves out the line's end. */
export interface LineTest {
  /** Takes up new bytes. */
  begin(bytes: Buffer): void;
  /** Where in the line `[from, end)` the first match begins, or -1. */
  find(from: number, end: number): number;
}

export interface SearchOptions {
  /** Where a match can be; every line where it is missing. */
  finder: LiteralFinder | undefined;
  /** Decides on a line; a line with a literal matches where it is missing. */
  test: LineTest | undefined;
  /** Literals are looked for in either case. */
  ignoreCase: boolean;
  /** Most hits to answer. */
  want: number;
  countOnly: boolean;
  /** Asked now and then; answering false ends the search after the line at hand. */
  mayGoOn: () => boolean;
}

/** Lines looked at between two questions whether to go on. */
const linesBetween = 64;

/** The lines of `bytes` that match. The last of them may lack its newline. */
export function searchLines(bytes: Buffer, options: SearchOptions): Searched {
  const { test, want, countOnly, ignoreCase, mayGoOn } = options;
  const finder = ignoreCase && hidesLetters(bytes) ? undefined : options.finder;
  finder?.begin(bytes);
  test?.begin(bytes);
  const hits: LineHit[] = [];
  let count = 0;
  let from = 0;
  for (let looked = 1; from < bytes.length; looked += 1) {
    if (looked % linesBetween === 0 && !mayGoOn()) return { hits, count, end: from };
    const candidate = finder === undefined ? from : finder.next(from);
    if (candidate === -1) break;
    const line = finder === undefined ? from : lineStart(bytes, candidate, from);
    const newline = bytes.indexOf(10, candidate);
    const end = newline === -1 ? bytes.length : newline;
    const content = end > line && bytes[end - 1] === 13 ? end - 1 : end;
    const at = test === undefined ? candidate : test.find(line, content);
    from = newline === -1 ? bytes.length : newline + 1;
    if (at === -1) continue;
    count += 1;
    if (countOnly) continue;
    hits.push({ line, at });
    if (hits.length >= want) return { hits, count, end: from };
  }
  return { hits, count, end: bytes.length };
}

function lineStart(bytes: Buffer, at: number, from: number): number {
  return at > from ? Math.max(from, bytes.lastIndexOf(10, at - 1) + 1) : from;
}
