import { guardText } from '../../../core/privacy/guard.ts';
import { privateTypes, type PrivateType } from '../../../core/privacy/finding.ts';
import type { Label, Labelled } from './labelled.ts';

export interface Score {
  precision: number;
  recall: number;
  labels: number;
  found: number;
}

export interface Scores {
  types: Record<Label, Score>;
  /** Share of the negatives that were altered. */
  altered: number;
  negatives: number;
  /** A few of what was missed and what was taken wrongly, to be looked at. */
  examples: string[];
}

interface Span {
  type: PrivateType;
  start: number;
  end: number;
}

/** What the guard takes out of a text, by place: told from marks that it is made to put in. */
export function spansIn(text: string): Span[] {
  const types: PrivateType[] = [];
  const raws: string[] = [];
  const out = guardText(text, {
    replace: ({ type, raw }) => {
      if (type === 'TEXT') return raw;
      types.push(type);
      raws.push(raw);
      return '\u0001';
    },
  });
  const spans: Span[] = [];
  let start = 0;
  for (const [at, piece] of out.split('\u0001').entries()) {
    start += piece.length;
    const [type, raw] = [types[at], raws[at]];
    if (type === undefined || raw === undefined) break;
    spans.push({ type, start, end: start + raw.length });
    start += raw.length;
  }
  return spans;
}

/** A label counts as found when findings of its type cover it whole; a finding as right when it touches such a label and little else. */
export function score({ text, labels, negatives }: Labelled): Scores {
  const spans = spansIn(text);
  const examples: string[] = [];
  const counts = new Map<Label, { labels: number; hit: number; found: number; right: number }>();
  for (const type of [...privateTypes, 'PROSE'] as const)
    counts.set(type, { labels: 0, hit: 0, found: 0, right: 0 });
  const covers = new Cover(spans);
  for (const label of labels) {
    const count = counts.get(label.type);
    if (count === undefined) continue;
    count.labels += 1;
    const type = label.type === 'PROSE' ? 'PERSON' : label.type;
    if (
      covers
        .within(label.start, label.end)
        .some((span) => span.type === type && span.start <= label.start && span.end >= label.end)
    )
      count.hit += 1;
    else if (label.type !== 'PROSE')
      examples.push(`missed ${label.type}: ${around(text, label.start, label.end)}`);
  }
  const labelled = new Cover(labels);
  for (const span of spans) {
    const count = counts.get(span.type);
    if (count === undefined) continue;
    count.found += 1;
    const right = labelled
      .within(span.start, span.end)
      .some(
        (label) =>
          (label.type === 'PROSE' ? 'PERSON' : label.type) === span.type &&
          span.start >= label.start - 2 &&
          span.end <= label.end + 2,
      );
    if (right) count.right += 1;
    else examples.push(`wrong ${span.type}: ${around(text, span.start, span.end)}`);
  }
  const altered = negatives.filter(({ start, end }) => covers.within(start, end).length > 0);
  const types = Object.fromEntries(
    [...counts].map(([type, { labels: all, hit, found, right }]) => [
      type,
      { recall: share(hit, all), precision: share(right, found), labels: all, found },
    ]),
  );
  return {
    types: {
      EMAIL: none,
      PHONE: none,
      PERSON: none,
      SECRET: none,
      IP: none,
      HOST: none,
      PROSE: none,
      ...types,
    },
    altered: share(altered.length, negatives.length, 0),
    negatives: negatives.length,
    examples,
  };
}

const none: Score = { precision: 1, recall: 1, labels: 0, found: 0 };

const share = (part: number, whole: number, empty = 1): number => (whole === 0 ? empty : part / whole);

function around(text: string, start: number, end: number): string {
  return JSON.stringify(
    `${text.slice(Math.max(0, start - 40), start)}⟦${text.slice(start, Math.min(end, start + 80))}⟧${text.slice(end, end + 20)}`,
  );
}

/** Spans in order of where they begin, asked for those that touch a stretch. */
class Cover<Item extends { start: number; end: number }> {
  readonly #items: readonly Item[];

  constructor(items: readonly Item[]) {
    this.#items = items.toSorted((a, b) => a.start - b.start);
  }

  within(start: number, end: number): Item[] {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#items[middle]?.end ?? 0) <= start) low = middle + 1;
      else high = middle;
    }
    const found: Item[] = [];
    for (let at = low; at < this.#items.length; at += 1) {
      const item = this.#items[at];
      if (item === undefined || item.start >= end) break;
      found.push(item);
    }
    return found;
  }
}
