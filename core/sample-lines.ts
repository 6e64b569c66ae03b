import { codeTable, hasCodeTable } from './code-table.ts';
import { excerptBytes, type ErrorHits, type Hit } from './error-hits.ts';
import type { NovelLine } from './novel-lines.ts';
import { sanitize } from './sanitize.ts';

/** What a sampler has kept, for describeSample. */
export interface Kept {
  bytes: number;
  /** Lines that have ended. */
  lines: number;
  head: Buffer;
  /** The last bytes; where head and tail are not all there is, neither reaches the other. */
  tail: Buffer;
  /** The first bytes of the line under way. */
  pending: Buffer;
  strong: ErrorHits;
  weak: ErrorHits;
  /** What a text of JSON is made of; none for other texts. */
  structure: readonly string[];
  novel: readonly NovelLine[];
}

/** A line a preview may show. */
export interface SampleLine {
  /** From 1. */
  line: number;
  /** One line of visible text, clipped at either end where it says `…`. */
  text: string;
  /** Order in which lines that look like errors, what belongs to them, and those like no other are worth showing; Infinity for others. */
  rank: number;
}

export interface PreviewSample {
  /** Every line of the stream is here, unclipped. */
  whole: boolean;
  /** What holds for all of it, most telling first: a table of codes, the structure of JSON. One line each. */
  notes: string[];
  /** By line number. */
  lines: SampleLine[];
}

/** Each first hit of a shape, what it says of itself, the last of each shape, other lines around the first, lines like no other, the further hits, mere names, what a table tells. */
const rankOf = {
  first: 0,
  near: 1,
  last: 2,
  context: 2.5,
  novel: 2.7,
  further: 3,
  weak: 20,
  told: 40,
} as const;

/** Begins a line that is like no other of an output that repeats itself. */
const novelMark = '[the only one like this] ';

/** Turns what a sampler kept into lines. */
export function describeSample(kept: Kept): PreviewSample {
  const lines = new Map<number, SampleLine>();
  const whole = kept.bytes <= kept.head.length;
  addHead(lines, kept, whole);
  if (!whole) addTail(lines, kept);
  if (!whole) addNovel(lines, kept.novel);
  for (const [hits, base] of [
    [kept.weak, rankOf.weak],
    [kept.strong, 0],
  ] as const) {
    addHits(lines, hits, base, whole);
  }
  const notes = whole
    ? []
    : [...kept.structure, ...(hasCodeTable(kept.strong) ? codeTable(kept.strong) : [])];
  return { whole, notes, lines: [...lines.values()].sort((a, b) => a.line - b.line) };
}

function addHead(lines: Map<number, SampleLine>, kept: Kept, whole: boolean): void {
  const parts = splitLines(kept.head);
  const complete = whole ? parts.length : Math.max(1, parts.length - 1);
  parts.slice(0, complete).forEach((part, index) => {
    const clipped = !whole && index === parts.length - 1;
    put(lines, index + 1, clipped ? `${clippedText(part)}…` : visible(part));
  });
}

function addTail(lines: Map<number, SampleLine>, kept: Kept): void {
  const contiguous = kept.bytes <= kept.head.length + kept.tail.length;
  const parts = splitLines(contiguous ? Buffer.concat([kept.head, kept.tail]) : kept.tail);
  const last = kept.lines + (kept.pending.length > 0 ? 1 : 0);
  parts.forEach((part, index) => {
    if (index > 0 || contiguous) put(lines, last - (parts.length - 1 - index), visible(part));
  });
  if (parts.length > 1 || contiguous) return;
  const begin = kept.pending.length > 0 ? clippedText(kept.pending.subarray(0, excerptBytes)) : '';
  put(lines, last, `${begin}…${clippedText(kept.tail.subarray(-excerptBytes))}`);
}

function addHits(lines: Map<number, SampleLine>, hits: ErrorHits, base: number, whole: boolean): void {
  const textOf = (hit: Hit) => (whole ? (lines.get(hit.line)?.text ?? '') : excerptText(hits, hit));
  const isTable = hasCodeTable(hits) && !whole;
  for (const shape of hits.shapes) {
    const isTold = isTable && shape.code !== undefined;
    const all = [...shape.first, ...shape.last];
    all.forEach((hit, index) => {
      const alike = index === 0 && shape.count > all.length ? `[${shape.count} like this] ` : '';
      const rank = isTold && index === 0 ? base + rankOf.told : base + rankInShape(index, all.length);
      lines.set(hit.line, { line: hit.line, text: alike + textOf(hit), rank });
      for (const near of hit.near) {
        const known = lines.get(near.line)?.rank ?? Number.POSITIVE_INFINITY;
        const firstRank = near.tells ? rankOf.near : rankOf.context;
        const nearRank = index === 0 && !isTold ? base + firstRank : rank + (near.tells ? 0.4 : 0.6);
        if (nearRank < known) lines.set(near.line, { line: near.line, text: textOf(near), rank: nearRank });
      }
    });
  }
}

function addNovel(lines: Map<number, SampleLine>, novel: readonly NovelLine[]): void {
  for (const { line, excerpt } of novel) {
    const text = excerpt.length === excerptBytes ? `${clippedText(excerpt)}…` : visible(excerpt);
    // The first and the last lines are shown as they are.
    if (text !== '' && !lines.has(line))
      lines.set(line, { line, text: novelMark + text, rank: rankOf.novel });
  }
}

/** The same line of a preview that is made smaller: what it was is told by its mark alone. */
export function rankedByMark(line: SampleLine): SampleLine {
  return line.rank > rankOf.novel && line.text.startsWith(novelMark) ? { ...line, rank: rankOf.novel } : line;
}

/** First, last, then from both ends towards the middle. */
function rankInShape(index: number, count: number): number {
  if (index === 0) return rankOf.first;
  if (index === count - 1) return rankOf.last;
  return rankOf.further + Math.min(index, count - 1 - index);
}

function excerptText(hits: ErrorHits, hit: Hit): string {
  const clipped = hit.length === excerptBytes;
  const text = clipped || hit.clippedLeft ? clippedText(hits.excerpt(hit)) : visible(hits.excerpt(hit));
  return (hit.clippedLeft ? '…' : '') + text + (clipped ? '…' : '');
}

function put(lines: Map<number, SampleLine>, line: number, text: string): void {
  lines.set(line, { line, text, rank: Number.POSITIVE_INFINITY });
}

function splitLines(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let from = 0;
  while (from < bytes.length) {
    const newline = bytes.indexOf(10, from);
    const to = newline === -1 ? bytes.length : newline;
    parts.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return parts;
}

/** One line as text; of a progress line drawn over itself with CR, the last state. */
function visible(bytes: Buffer): string {
  return oneLine(bytes.toString('utf8'));
}

/** The same for bytes cut out of a line, without the halves of characters at the ends. */
function clippedText(bytes: Buffer): string {
  return oneLine(bytes.toString('utf8').replace(/^\ufffd{1,3}|\ufffd{1,3}$/g, ''));
}

function oneLine(text: string): string {
  const drawn = text.replace(/\r+$/, '');
  return sanitize(drawn.slice(drawn.lastIndexOf('\r') + 1)).trimEnd();
}
