import { anyDigit } from '../automaton.ts';
import { alphanumeric, digit, is } from '../characters.ts';
import type { View } from '../view.ts';
import { matchAt, type Detector, type Found } from './detector.ts';

const rank = 35;

/** IPv4 in dotted form and IPv6 (RFC 4291 §2.2); loopback and unspecified addresses are nobody's. */
export const ipDetector: Detector = {
  anchors: [
    { text: `${anyDigit}.${anyDigit}`, check: firstDot },
    { text: ':', check: opensHextet },
  ],
  find: (view, start) => addressAt(view, start),
};

/** The first of the three dots: only digits before it. */
function firstDot(bytes: Uint8Array, start: number): boolean {
  let at = start;
  while (at > start - 3 && is(bytes[at - 1], digit)) at -= 1;
  return !is(bytes[at - 1], alphanumeric) && bytes[at - 1] !== 0x2e;
}

/** The first colon of a row: at most four hexadecimal digits before it. */
function opensHextet(bytes: Uint8Array, start: number, end: number): boolean {
  const after = bytes[end];
  return after !== undefined && (after === 0x3a || is(after, alphanumeric)) && bytes[start - 1] !== 0x2f;
}

const v4 = /(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]*\d)(?![a-z_-])/iy;
const v6 =
  /(?:[\da-f]{1,4}:){7}[\da-f]{1,4}|(?=[\da-f:]{4,39}(?![\da-f:]))(?:[\da-f]{1,4}(?::[\da-f]{1,4}){0,5})?::(?:[\da-f]{1,4}(?::[\da-f]{1,4}){0,5})?/iy;
const nobodys = /^(?:127\.|0\.0\.0\.0$|255\.255\.255\.)|^::1?$/;

function addressAt(view: View, start: number): Found | undefined {
  const { text, bytes } = view;
  let from = start;
  const least = Math.max(0, start - 4);
  while (from > least && /[\da-f]/i.test(text[from - 1] ?? '')) from -= 1;
  if (is(bytes[from - 1], alphanumeric) || text[from - 1] === ':' || text[from - 1] === '.') return undefined;
  const found = (matchAt(v4, text, from) ?? matchAt(v6, text, from))?.[0];
  if (found === undefined || nobodys.test(found)) return undefined;
  if (is(bytes[from + found.length], alphanumeric)) return undefined;
  return { type: 'IP', start: from, end: from + found.length, rank, value: found.toLowerCase() };
}
