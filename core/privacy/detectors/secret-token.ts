import { alphanumeric, bytesOf, is, underscore } from '../characters.ts';
import type { View } from '../view.ts';
import { matchAt, type Anchor, type Detector, type Found } from './detector.ts';
import { hasEntropyOf, isPlaceholder, isRandom } from './entropy.ts';
import { keyShapes, type KeyShape } from './secret-prefixes.ts';

const rank = 70;

/** Keys that services give a beginning of their own, and JSON Web Tokens (RFC 7519). */
export const tokenDetector: Detector = {
  anchors: [...new Set(keyShapes.map((shape) => shape.prefix))].map((text): Anchor => ({
    text,
    check: (bytes, start, end) => opensToken(bytes, text, start, end),
  })),
  find: (view, start, end) => tokenAt(view, start, end),
};

export const jwtDetector: Detector = {
  anchors: [{ text: 'eyJ', check: opensJwt }],
  find: (view, start) => jwtAt(view, start),
};

/** Exactly the prefix, not inside a word, and something behind it. */
function opensToken(bytes: Uint8Array, text: string, start: number, end: number): boolean {
  if (is(bytes[start - 1], alphanumeric | underscore) || bytes[start - 1] === 0x2d) return false;
  for (let at = end; at < end + 8; at += 1) {
    const byte = bytes[at];
    // A line's end may have cut it.
    if (byte === undefined || byte === 10 || byte === 13) break;
    if (!is(byte, alphanumeric | underscore) && !marks.has(byte)) return false;
  }
  for (let at = 0; at < text.length; at += 1) if (bytes[start + at] !== text.charCodeAt(at)) return false;
  return true;
}
const marks = bytesOf('.-+/=$%\x1b\\[');

const bodies = new Map<KeyShape, RegExp>(
  keyShapes.map((shape) => [shape, new RegExp(`${shape.body}{${shape.least},${shape.most}}`, 'y')]),
);
const byPrefix = new Map<string, KeyShape[]>();
for (const shape of keyShapes) byPrefix.set(shape.prefix, [...(byPrefix.get(shape.prefix) ?? []), shape]);

function tokenAt(view: View, start: number, end: number): Found | undefined {
  const { text } = view;
  for (const shape of byPrefix.get(text.slice(start, end)) ?? []) {
    const body = bodies.get(shape);
    if (body === undefined) continue;
    const found = matchAt(body, text, end)?.[0];
    if (found === undefined) continue;
    const value = found.replace(/\.+$/, '');
    const last = end + value.length;
    // A key of fixed length inside a longer word is that word.
    if (is(text.charCodeAt(last), alphanumeric) && value.length >= shape.most) continue;
    if (value.length < shape.least || !hasEntropyOf(value, 2.3) || isPlaceholder(value)) continue;
    // `sk-some-long-name`: words, not a key.
    if (shape.prefix.length <= 5 && !isRandom(value)) continue;
    return { type: 'SECRET', start, end: last, rank };
  }
  return undefined;
}

function opensJwt(bytes: Uint8Array, start: number): boolean {
  const before = bytes[start - 1];
  return (
    !is(before, alphanumeric | underscore) &&
    before !== 0x2d &&
    bytes[start] === 0x65 &&
    bytes[start + 2] === 0x4a
  );
}

/** Begins only where no word does, so that a run of them is read once. */
const jwt = /eyJ[\w-]{10,}\.[\w-]{4,}(?:\.[\w-]*){0,3}/y;

function jwtAt(view: View, start: number): Found | undefined {
  const found = matchAt(jwt, view.text, start);
  return found === null
    ? undefined
    : { type: 'SECRET', start, end: start + found[0].replace(/\.+$/, '').length, rank };
}
