import { createAutomaton, type Automaton } from './automaton.ts';
import { alphanumeric, digit, foldAscii, is, letter } from './characters.ts';
import type { Anchor, Detector } from './detectors/detector.ts';

/** All anchors of all detectors in one automaton. */
export interface Anchors {
  automaton: Omit<Automaton, 'endings'>;
  /** What may have been met at each of the automaton's endings. */
  hits: readonly (readonly Hit[])[];
}

interface Hit {
  length: number;
  notAfter: number;
  /** The byte it begins with where that has to be this one; 0 for either case. */
  first: number;
  check: Anchor['check'];
  /** None for what only makes a line suspect. */
  detector: Detector | undefined;
}

export function createAnchors(detectors: readonly Detector[]): Anchors {
  const byText = new Map<string, Hit[]>();
  const add = (
    { text, notAfter = 0, cased = false, check }: Anchor,
    detector: Detector | undefined,
  ): void => {
    const folded = foldAscii(text);
    const hit = { length: text.length, notAfter, first: cased ? text.charCodeAt(0) : 0, check, detector };
    byText.set(folded, [...(byText.get(folded) ?? []), hit]);
  };
  for (const detector of detectors) for (const anchor of detector.anchors) add(anchor, detector);
  for (const anchor of disguises) add(anchor, undefined);
  const { endings, ...automaton } = createAutomaton([...byText.keys()]);
  const byIndex = [...byText.values()];
  return {
    automaton,
    hits: endings.map((indexes) => indexes.flatMap((index) => byIndex[index] ?? [])),
  };
}

/**
 * What may hide a private value from the other anchors: `@`, `+`, letters and digits written as
 * escapes, terminal sequences inside words, line ends that only continue.
 */
const disguises: readonly Anchor[] = [
  ...[
    'u0040',
    'x40',
    '#64;',
    '#064;',
    '#x40;',
    '&commat;',
    '%40',
    '%25',
    'u002b',
    '%2b',
    '#43;',
    '#x2b;',
    '&plus;',
  ].map((text) => ({ text })),
  { text: '=40', check: insideAddress },
  { text: '=2b', notAfter: alphanumeric, check: (bytes, _start, end) => is(bytes[end], digit) },
  ...['\\u004', '\\u005', '\\u006', '\\u007', '\\u003', '\\x4', '\\x5', '\\x6', '\\x7'].map((text) => ({
    text,
  })),
  ...['%4', '%5', '%6', '%7', '%3'].map((text): Anchor => ({
    text,
    check: (bytes, _start, end) => isEscapedWord(bytes[end - 1], bytes[end]),
  })),
  ...['&#x4', '&#x5', '&#x6', '&#x7', '&#6', '&#7', '&#8', '&#9', '&#1'].map((text) => ({ text })),
  ...['\xef\xbc', '\xe2\x80\x8b', '\xe2\x80\x8c', '\xe2\x80\x8d', '\xe2\x81\xa0', '\xc2\xad'].map(
    (text): Anchor => ({ text, check: insideWord }),
  ),
  ...['=\n', '=\r\n', '\\\n', '\\\r\n'].map((text) => ({ text })),
  { text: '\x1b[', check: insideWord },
  // Headings of a table that may hold names.
  ...[
    'name',
    'surname',
    'customer',
    'employee',
    'patient',
    'recipient',
    'author',
    'owner',
    'contact',
    'assignee',
    'nachname',
    'vorname',
    'apellido',
    'cognome',
    'nome',
    'nom',
  ].map((text): Anchor => ({ text, check: isHeading })),
];

/** A domain begins with a letter or a digit, or with one escaped; what ends before it is no blank. `time=40.1 ms` is none. */
function insideAddress(bytes: Uint8Array, start: number, end: number): boolean {
  const [before, after] = [bytes[start - 1], bytes[end]];
  if (before === undefined || before <= 0x20) return false;
  return (
    after === undefined || is(after, letter | digit) || '=[%\\&\x1b\r\n'.includes(String.fromCharCode(after))
  );
}

/** `%41`…`%7A` where it is a letter or a digit: nothing that URLs need to escape. */
function isEscapedWord(high: number | undefined, low: number | undefined): boolean {
  if (high === undefined || low === undefined) return true;
  const value = Number.parseInt(String.fromCharCode(high, low), 16);
  return is(value, letter | digit);
}

/** A delimiter of cells after the word, or a line's end after one of them. */
function isHeading(bytes: Uint8Array, start: number, end: number): boolean {
  const after = bytes[end];
  if (after === 0x2c || after === 0x3b || after === 0x09 || after === 0x7c) return true;
  if (after !== undefined && after !== 10 && after !== 13) return false;
  for (let at = start - 1; at > start - 24; at -= 1) {
    const byte = bytes[at];
    if (byte === 0x2c || byte === 0x3b || byte === 0x09 || byte === 0x7c) return true;
    if (byte === undefined || byte === 10) return false;
  }
  return false;
}

function insideWord(bytes: Uint8Array, start: number, end: number): boolean {
  const before = bytes[start - 1];
  if (before === undefined || before <= 0x20) return false;
  let at = end;
  while (at < end + 32 && at < bytes.length && (bytes[at] ?? 0) >= 0x20 && !is(bytes[at], letter)) at += 1;
  const after = bytes[at + 1];
  return after === undefined || after > 0x20;
}

/** The first occurrence of an anchor at or after `from` that passed its check; -1 for none. */
export function firstAnchor(
  { automaton, hits }: Anchors,
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
  const { classes, next, width, rows, after } = automaton;
  let row = 0;
  for (let at = from; at < to; at += 1) {
    row = next[row * width + (classes[bytes[at] ?? 0] ?? 0)] ?? 0;
    if (row < rows) continue;
    const ending = row - rows;
    row = after[ending] ?? 0;
    const start = passing(hits[ending] ?? [], bytes, at + 1);
    if (start !== -1) return start;
  }
  return -1;
}

function passing(hits: readonly Hit[], bytes: Uint8Array, end: number): number {
  for (let at = 0; at < hits.length; at += 1) {
    const hit = hits[at];
    if (hit !== undefined && passes(hit, bytes, end)) return end - hit.length;
  }
  return -1;
}

function passes({ length, notAfter, first, check }: Hit, bytes: Uint8Array, end: number): boolean {
  const start = end - length;
  if (first !== 0 && bytes[start] !== first) return false;
  // Nothing is asked of a byte before the first: a negative index makes every later look-up slow.
  if (notAfter !== 0 && start > 0 && is(bytes[start - 1], notAfter)) return false;
  return check === undefined || check(bytes, start, end);
}

/** Every occurrence of an anchor with its detector, in order of where it ends. */
export function eachAnchor(
  { automaton, hits }: Anchors,
  bytes: Uint8Array,
  visit: (detector: Detector, start: number, end: number) => void,
): void {
  const { classes, next, width, rows, after } = automaton;
  let row = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    row = next[row * width + (classes[bytes[at] ?? 0] ?? 0)] ?? 0;
    if (row < rows) continue;
    const ending = row - rows;
    row = after[ending] ?? 0;
    const end = at + 1;
    const here = hits[ending] ?? [];
    for (let one = 0; one < here.length; one += 1) {
      const hit = here[one];
      if (hit?.detector !== undefined && passes(hit, bytes, end)) visit(hit.detector, end - hit.length, end);
    }
  }
}
