import { alphanumeric, digit, is } from '../characters.ts';

/** Digits in a row, with what stood between them and the group before. */
export interface DigitGroup {
  /** With the plus sign or bracket before it. */
  start: number;
  /** With the bracket after it. */
  end: number;
  digits: string;
  plus: boolean;
  bracket: boolean;
  /** The marks between the group before and this one, brackets left out. */
  before: string;
}

/** More groups than any number has; a longer row of groups is a table. */
export const maxGroups = 8;

const group = /\+?\(?\d+\)?/y;
const mark = /[ ]?(?:\xc2\xa0)?[-./]?[ ]?/y;

/** The groups of digits that belong together round a place in the text: one or two marks between each; none before `least`. */
export function digitGroups(text: string, start: number, end: number, least: number): DigitGroup[] {
  let at = firstDigit(text, start, end);
  if (at === undefined) return [];
  at = rowStart(text, at, least);
  const groups: DigitGroup[] = [];
  let before = '';
  while (groups.length < maxGroups) {
    group.lastIndex = at;
    const found = group.exec(text)?.[0];
    if (found === undefined) break;
    const digits = found.replace(/\D/g, '');
    groups.push({
      start: at,
      end:
        at + found.length - (found.includes('(') === found.includes(')') ? 0 : found.endsWith(')') ? 1 : 0),
      digits,
      plus: found.startsWith('+'),
      bracket: found.includes('('),
      before,
    });
    at += found.length;
    if (is(text.charCodeAt(at), alphanumeric) && !found.endsWith(')')) {
      // `12ab`: the last group is part of a word.
      groups.pop();
      break;
    }
    mark.lastIndex = at;
    before = mark.exec(text)?.[0] ?? '';
    if (before === '' && !found.endsWith(')') && text[at] !== '(') break;
    at += before.length;
    before = before.replace('\xc2\xa0', ' ');
  }
  return groups;
}

function firstDigit(text: string, start: number, end: number): number | undefined {
  const most = Math.min(text.length, end + 40);
  for (let at = start; at < most; at += 1) {
    if (is(text.charCodeAt(at), digit)) return at;
    if (at >= end && text[at] === '\n') return undefined;
  }
  return undefined;
}

/** Back over groups and marks, 24 characters at most, to where a row of groups begins. */
function rowStart(text: string, from: number, least: number): number {
  let start = from;
  while (start > least && from - start < 16 && is(text.charCodeAt(start - 1), digit)) start -= 1;
  let at = start;
  while (at > least && from - at < 24) {
    const code = text.charCodeAt(at - 1);
    if (is(code, digit)) {
      at -= 1;
      if (!is(text.charCodeAt(at - 1), digit)) start = at;
    } else if (
      ' -./()+\xa0\xc2'.includes(text[at - 1] ?? '\n') &&
      !(text[at - 1] === ' ' && text[at - 2] === ' ')
    ) {
      at -= 1;
    } else if (is(code, alphanumeric)) {
      break;
    } else break;
  }
  // A word that ends in digits is no group.
  if (is(text.charCodeAt(start - 1), alphanumeric)) {
    while (start < from && is(text.charCodeAt(start), digit)) start += 1;
    while (start < from && !is(text.charCodeAt(start), digit)) start += 1;
  }
  if (start > least && text[start - 1] === '(') start -= 1;
  if (start > least && text[start - 1] === '+') start -= 1;
  return start;
}
