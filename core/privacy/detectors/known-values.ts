import { alphanumeric, is } from '../characters.ts';
import type { PrivateType } from '../finding.ts';
import type { View } from '../view.ts';
import { matchAt, type Anchor, type Detector, type Found } from './detector.ts';

/** A value that its owner named: found as it is, in any case, with any blanks between its words. */
export interface KnownValue {
  type: PrivateType;
  value: string;
}

const rank = 90;

export function knownValuesDetector(values: readonly KnownValue[]): Detector {
  const byAnchor = new Map<string, { pattern: RegExp; type: PrivateType; value: string }[]>();
  for (const { type, value } of values) {
    const words = value
      .trim()
      .split(/\s+/)
      .map((word) => Buffer.from(word).toString('latin1'));
    const [first = ''] = words;
    // One letter would be looked for in everything.
    if (first === '' || words.join('').length < 2) continue;
    const pattern = new RegExp(words.map(escaped).join(String.raw`[\s\xa0\xc2]{1,40}`), 'iy');
    const anchor = first.toLowerCase();
    byAnchor.set(anchor, [...(byAnchor.get(anchor) ?? []), { pattern, type, value: value.trim() }]);
  }
  const find = (view: View, start: number, end: number): readonly Found[] => {
    const candidates = byAnchor.get(view.text.slice(start, end).toLowerCase()) ?? [];
    return candidates.flatMap(({ pattern, type, value }) => {
      const length = matchAt(pattern, view.text, start)?.[0].length;
      if (length === undefined || insideWord(view.bytes, start, start + length)) return [];
      return [{ type, start, end: start + length, rank, value }];
    });
  };
  return { anchors: [...byAnchor.keys()].map((text): Anchor => ({ text })), find };
}

function insideWord(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    (is(bytes[start], alphanumeric) && is(bytes[start - 1], alphanumeric)) ||
    (is(bytes[end - 1], alphanumeric) && is(bytes[end], alphanumeric))
  );
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
