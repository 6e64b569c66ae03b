import { nextNewline } from './newlines.ts';
import { sanitize } from './sanitize.ts';

export type PageEncoding = 'utf8' | 'base64';

export interface PageCut {
  text: string;
  /** Bytes of the content the text stands for. */
  bytes: number;
  /** Newlines among them. */
  newlines: number;
  /** The cut falls just after a newline. */
  atLineEnd: boolean;
}

/** No byte of content becomes more than so many bytes of JSON text: a control character's picture, U+FFFD. */
const maxGrowth = 3;

/**
 * Cuts the first page from `content`: at most `budget` bytes of JSON-escaped text. `more`: the
 * content goes on behind these bytes, so a page that ends with a line is better. `complete`: no
 * byte of the last character can follow; otherwise a character begun at the end is left for the
 * next page. What does not fit is cut after a line where one fits, else between two characters.
 */
export function cutPage(
  content: Buffer,
  options: { encoding: PageEncoding; budget: number; more: boolean; complete: boolean },
): PageCut {
  if (options.encoding === 'base64') return cutBase64(content, options.budget);
  const whole = options.complete ? content.length : characterEnd(content, content.length);
  const text = visibleText(content, whole);
  const fits = jsonBytes(text) <= options.budget;
  if (fits && !options.more) return describe(content, whole, text);
  const lines = fits ? content.lastIndexOf(10, whole) + 1 : linesThatFit(content, whole, options.budget);
  if (lines > 0) return describe(content, lines, visibleText(content, lines));
  return cutLine(content, whole, options.budget);
}

/** Where the last page of `content` begins: at a line where one fits, else between two characters. */
export function lastPageStart(content: Buffer, options: { encoding: PageEncoding; budget: number }): number {
  if (options.encoding === 'base64') return Math.max(0, content.length - Math.floor(options.budget / 4) * 3);
  let start = content.length;
  let spent = 0;
  while (start > 0) {
    const lineStart = start > 1 ? content.lastIndexOf(10, start - 2) + 1 : 0;
    spent += jsonBytes(sanitize(content.toString('utf8', lineStart, start)));
    if (spent > options.budget) break;
    start = lineStart;
  }
  if (start < content.length || content.length === 0) return start;
  return characterStart(content, Math.max(0, content.length - Math.floor(options.budget / maxGrowth)));
}

function cutBase64(content: Buffer, budget: number): PageCut {
  const fits = Math.floor(budget / 4) * 3;
  const length = Math.min(content.length, fits);
  return describe(content, length, content.toString('base64', 0, length));
}

/** Bytes of the whole lines, from the start, whose text fits. */
function linesThatFit(content: Buffer, end: number, budget: number): number {
  let fitting = 0;
  let spent = 0;
  for (let at = nextNewline(content, 0); at !== -1 && at < end; at = nextNewline(content, at + 1)) {
    spent += jsonBytes(sanitize(content.toString('utf8', fitting, at + 1)));
    if (spent > budget) return fitting;
    fitting = at + 1;
  }
  return fitting;
}

/** A page out of a line longer than a page. Shrinks its guess in proportion; a third always fits. */
function cutLine(content: Buffer, end: number, budget: number): PageCut {
  let length = Math.min(end, budget);
  for (let tries = 0; tries < 4; tries += 1) {
    length = characterEnd(content, length);
    const text = visibleText(content, length);
    const cost = jsonBytes(text);
    if (cost <= budget) return describe(content, length, text);
    length = Math.floor((length * budget * 0.98) / cost);
  }
  length = characterEnd(content, Math.min(length, Math.floor(budget / maxGrowth)));
  return describe(content, length, visibleText(content, length));
}

function describe(content: Buffer, bytes: number, text: string): PageCut {
  let newlines = 0;
  for (let at = nextNewline(content, 0); at !== -1 && at < bytes; at = nextNewline(content, at + 1))
    newlines += 1;
  return { text, bytes, newlines, atLineEnd: bytes > 0 && content[bytes - 1] === 10 };
}

function visibleText(content: Buffer, end: number): string {
  return sanitize(content.toString('utf8', 0, end));
}

/** Size of a string inside a JSON document, its quotes left out. */
export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

/** The last position up to `end` that does not lie within a UTF-8 character. */
export function characterEnd(content: Buffer, end: number): number {
  for (let back = 1; back <= 3 && back <= end; back += 1) {
    const byte = content[end - back] ?? 0;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) return sequenceLength(byte) > back ? end - back : end;
  }
  return end;
}

/** The first position from `start` on that does not lie within a UTF-8 character. */
export function characterStart(content: Buffer, start: number): number {
  for (let skip = 0; skip < 4; skip += 1) {
    if (characterEnd(content, start + skip) === start + skip) return start + skip;
  }
  return start;
}

/** Bytes of the UTF-8 character a lead byte begins; 1 for a byte that begins none. */
function sequenceLength(lead: number): number {
  if (lead >= 0xf0 && lead < 0xf8) return 4;
  if (lead >= 0xe0) return lead < 0xf0 ? 3 : 1;
  return lead >= 0xc2 ? 2 : 1;
}
