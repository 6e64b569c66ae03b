import { anyDigit } from '../automaton.ts';
import { alphanumeric, digit, is } from '../characters.ts';
import type { View } from '../view.ts';
import type { Anchor, Detector, Found } from './detector.ts';
import { digitGroups, maxGroups, type DigitGroup } from './digit-groups.ts';
import { isNumberInside, kindOfNumber } from './phone-tables.ts';
import { beforeIsPhoneWord, phoneWords } from './phone-words.ts';

/**
 * Phone numbers: groups of digits that are a number by libphonenumber's tables where written
 * internationally, that have the shape and the tables of a country's own spelling, or that stand
 * after a word such as `phone`. Dates, times, addresses of hosts and versions look alike and are not.
 */
export const phoneDetector: Detector = {
  anchors: [...shapes(), ...phoneWords.map((text) => ({ text, check: digitsFollow }))],
  find: (view, start, end) => phoneAt(view, start, end),
};

const rank = 30;

/** `+4…`, `(5…`, a zero first, and the 3-3-4 digits of North America. */
function shapes(): Anchor[] {
  const d = anyDigit;
  const marks = ['-', ' ', '.', '/'];
  const zeroFirst = [1, 2, 3, 4, 5]
    .map((size) => d.repeat(size))
    .flatMap((area) => marks.map((mark) => `0${area}${mark}${d}${d}`));
  const american = ['--', '..', ' -', '/-'].map(
    ([a = '', b = '']) => d + d + d + a + d + d + d + b + d + d + d + d,
  );
  return [
    ...[`+${d}`, `(${d}`].map((text) => ({ text, check: opensNumber })),
    ...[`${d}) `, `${d})-`].map((text) => ({ text, check: closesArea })),
    ...zeroFirst.map((text) => ({ text, notAfter: alphanumeric, check: beginsWithZero })),
    ...american.map((text) => ({ text, notAfter: alphanumeric, check: standsFree })),
  ];
}

function opensNumber(bytes: Uint8Array, start: number): boolean {
  return !is(bytes[start - 1], alphanumeric) && (is(bytes[start + 2], digit) || bytes[start] === 0x2b);
}

function closesArea(bytes: Uint8Array, start: number, end: number): boolean {
  return is(bytes[end], digit) && is(bytes[start - 1], digit);
}

/** Nine digits at least, nothing of a word or of another number before them. */
function beginsWithZero(bytes: Uint8Array, start: number): boolean {
  const before = start > 1 ? bytes[start - 1] : undefined;
  // The month of a date, a part of a version: what began before it has anchors of its own.
  if ((before === 0x2d || before === 0x2e || before === 0x2f) && is(bytes[start - 2], digit)) return false;
  return digitsAhead(bytes, start) >= 9;
}

function standsFree(bytes: Uint8Array, _start: number, end: number): boolean {
  return !is(bytes[end], alphanumeric);
}

function isMark(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x2d || byte === 0x2e || byte === 0x2f;
}

/** Digits in the groups from here on, one mark between each; 0 for more than a number has. */
function digitsAhead(bytes: Uint8Array, from: number): number {
  let digits = 0;
  let afterMark = false;
  for (let at = from; digits <= 24; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) {
      digits += 1;
      afterMark = false;
    } else if (afterMark || !isMark(byte)) return digits;
    else afterMark = true;
  }
  return 0;
}

/** After the word, within its quotes and marks, comes something a number can begin with. */
function digitsFollow(bytes: Uint8Array, start: number, end: number): boolean {
  if (is(bytes[start - 1], alphanumeric) && bytes[start - 1] !== 0x5f && !is(bytes[start], 2)) return false;
  for (let at = end; at < end + 40 && at < bytes.length; at += 1) {
    if (is(bytes[at], digit)) return true;
    if (bytes[at] === 10) return false;
  }
  return false;
}

/** Up to here this view has been read: a row of groups has many anchors, and is read once. Of the view, not its text: a line may come twice. */
let readView: View | undefined;
let readTo = 0;

function phoneAt(view: View, start: number, end: number): readonly Found[] {
  const { text } = view;
  if (view !== readView) [readView, readTo] = [view, 0];
  const groups = digitGroups(text, start, end, Math.min(start, readTo));
  const [first] = groups;
  if (first === undefined || (first.start < readTo && start < readTo)) return [];
  const found = numbersIn(text, groups);
  // A row that was cut off may end in the middle of a number.
  const settled = groups.length < maxGroups ? groups.at(-1) : groups[maxGroups / 2 - 1];
  readTo = Math.max(readTo, settled?.end ?? 0, found.at(-1)?.end ?? 0);
  return found;
}

/** Of the stretches of groups that are numbers the longest, then what is left on both sides of it. */
function numbersIn(text: string, groups: readonly DigitGroup[]): Found[] {
  for (let size = groups.length; size > 0; size -= 1) {
    for (let from = 0; from + size <= groups.length; from += 1) {
      const digits = digitsIn(groups, from, from + size);
      // One zero in brackets may not count.
      if (digits < 7 || digits > 16 || !standsAlone(text, groups, from, from + size)) continue;
      const found = numberIn(text, groups.slice(from, from + size));
      if (found !== undefined)
        return [
          ...numbersIn(text, groups.slice(0, from)),
          found,
          ...numbersIn(text, groups.slice(from + size)),
        ];
    }
  }
  return [];
}

function digitsIn(groups: readonly DigitGroup[], from: number, to: number): number {
  let digits = 0;
  for (let at = from; at < to; at += 1) digits += groups[at]?.digits.length ?? 0;
  return digits;
}

/** Not cut out of a longer row: `978-0-13-…` is one number of its own kind, `1.2.3` another. */
function standsAlone(text: string, groups: readonly DigitGroup[], from: number, to: number): boolean {
  const [first, last, next] = [groups[from], groups[to - 1], groups[to]];
  if (first === undefined || last === undefined) return false;
  if (from > 0 ? !first.plus && !first.before.includes(' ') : /[.\-/_#\\]/.test(text[first.start - 1] ?? ' '))
    return false;
  if (next !== undefined) return next.before.includes(' ') || next.plus;
  return !/^(?:[-./:_]\d|[%°€$]|:)/.test(text.slice(last.end, last.end + 2));
}

function numberIn(text: string, groups: readonly DigitGroup[]): Found | undefined {
  const first = groups[0];
  const last = groups.at(-1);
  if (first === undefined || last === undefined) return undefined;
  // `+49 (0)89 …`: the zero is dialled only inside the country.
  const digits = groups
    .map((group) => (first.plus && group.bracket && group.digits === '0' ? '' : group.digits))
    .join('');
  if (digits.length < 7 || digits.length > 15 || /^(\d)\1+$/.test(digits)) return undefined;
  if (groups.slice(1).some((group) => group.plus)) return undefined;
  const { end } = last;
  const start = first.start;
  if (is(text.charCodeAt(end), alphanumeric) || looksLikeDate(groups)) return undefined;
  const value = phoneNumber(text, groups, digits);
  return value === undefined ? undefined : { type: 'PHONE', start, end, rank, value };
}

/** The number as E.164 where its country is told, else its digits; `undefined` where it is none. */
function phoneNumber(text: string, groups: readonly DigitGroup[], digits: string): string | undefined {
  const [first] = groups;
  const named = beforeIsPhoneWord(text, first?.start ?? 0);
  if (first?.plus === true || /^00[1-9]/.test(digits)) {
    const abroad = first?.plus === true ? digits : digits.slice(2);
    const kind = kindOfNumber(abroad);
    // Invented numbers, as in examples, are often of no range in use.
    const plausible = named || (first?.plus === true && abroad.length >= (groups.length > 1 ? 9 : 10));
    if (kind === 'valid' || (plausible && kind === 'possible')) return `+${abroad}`;
    if (first?.plus === true) return undefined;
  }
  if (isAmerican(groups) && kindOfNumber(`1${digits.slice(-10)}`) === 'valid')
    return `+1${digits.slice(-10)}`;
  if (named) return digits;
  return isOwnSpelling(groups, digits) && countries.some((code) => isNumberInside(digits, code))
    ? digits
    : undefined;
}

/** Codes of countries that dial a zero first, those with the widest ranges first. */
const countries: readonly string[] = ['49', '44', '33', '91'];

/** 415-555-2671, (415) 555-2671, 1-415-555-2671; groups with nothing but blanks between are too often something else. */
function isAmerican(groups: readonly DigitGroup[]): boolean {
  const spaced = groups.every((group, at) => at === 0 || group.before === ' ');
  return (
    /^(?:1-)?3-3-4$/.test(groups.map((group) => group.digits.length).join('-')) &&
    (!spaced || groups[0]?.bracket === true)
  );
}

/** A zero first, groups of two digits at least, and at most two kinds of marks between them. */
function isOwnSpelling(groups: readonly DigitGroup[], digits: string): boolean {
  if (!digits.startsWith('0') || digits.length < 9 || digits.length > 12) return false;
  if (groups.length < 2 || groups.length > 5) return false;
  return (
    groups.every((group) => group.digits.length >= 2) &&
    new Set(groups.slice(1).map((group) => group.before)).size <= 2
  );
}

/** 2024-01-02, 02.01.2024, 1/2/2024 and such with a time behind them. */
function looksLikeDate(groups: readonly DigitGroup[]): boolean {
  const [first, second, third] = groups;
  if (first === undefined || first.plus) return false;
  const [a, b, c] = [first.digits.length, second?.digits.length ?? 0, third?.digits.length ?? 0];
  return (
    (a === 4 && b <= 2 && c <= 2 && isYear(first)) ||
    (c === 4 && a <= 2 && b <= 2 && groups.length <= 5 && isYear(third)) ||
    (a === 8 && groups.length <= 2 && b <= 6 && b > 0 && isYear(first))
  );
}

/** Begins with a year of these centuries. */
const isYear = (group: DigitGroup | undefined): boolean =>
  group !== undefined && /^(?:19|20)/.test(group.digits);
