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
    cased: true,
    notAfter: alphanumeric | underscore,
    check: (bytes, start, end) => opensToken(bytes, text, start, end),
  })),
  find: (view, start, end) => tokenAt(view, start, end),
};

export const jwtDetector: Detector = {
  anchors: [{ text: 'ey', check: opensJwt }],
  find: (view, start) => jwtAt(view, start),
};

/** Exactly the prefix, not inside a word, and something behind it. */
function opensToken(bytes: Uint8Array, text: string, start: number, end: number): boolean {
  if (start > 0 && bytes[start - 1] === 0x2d) return false;
  for (let at = end; at < end + 8; at += 1) {
    const byte = bytes[at];
    // A line's end may have cut it.
    if (byte === undefined || byte === 10 || byte === 13) break;
    if (!is(byte, alphanumeric | underscore) && !marks.has(byte)) return false;
  }
  return isWritten(text, bytes, start);
}

/** To the letter: an anchor matches in either case. */
function isWritten(text: string, bytes: Uint8Array, start: number): boolean {
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
    // `sk-some-long-name`: words, not a key. (The id of an access key need not have a digit.)
    if (
      !(shape.body === '[A-Z0-9]' && value.length === 16) &&
      shape.prefix.length <= 5 &&
      shape.least < 34 &&
      !/^x(?:ox|app)/.test(shape.prefix) &&
      !isRandom(value)
    )
      continue;
    return { type: 'SECRET', start, end: last, rank };
  }
  return undefined;
}

/** `eyJ` is `{"`; after other beginnings of an object in base64, the second part begins like one, too. */
function opensJwt(bytes: Uint8Array, start: number): boolean {
  const before = bytes[start - 1];
  if (is(before, alphanumeric | underscore) || before === 0x2d || bytes[start] !== 0x65) return false;
  const [third, fifth] = [bytes[start + 2], bytes[start + 4]];
  return third === 0x4a || third === undefined || (is(third, alphanumeric) && is(fifth, alphanumeric));
}

/** Begins only where no word does, so that a run of them is read once. */
const jwt =
  /eyJ(?:[\w=-]{10,}\.[\w=-]{4,}|[\w-]{2,}\.eyJ[\w-]{2,})(?:\.[\w=-]*){0,3}|ey[A-Za-z0-9]{12,}\.ey[\w/-]{12,}(?:\.[\w/=-]*){0,3}/y;

function jwtAt(view: View, start: number): Found | undefined {
  const found = matchAt(jwt, view.text, start);
  return found === null
    ? undefined
    : { type: 'SECRET', start, end: start + found[0].replace(/\.+$/, '').length, rank };
}

/** Three parts with a dot between, of which the second has six characters: the id of a bot, a time, and a signature. */
export const botTokenDetector: Detector = {
  anchors: [{ text: '.', check: partsOfBot }],
  find: (view, start) => botTokenAt(view, start),
};

/** Asked of every dot: another one six bytes on, and a long word before this one. */
function partsOfBot(bytes: Uint8Array, start: number): boolean {
  return (
    bytes[start + 7] === 0x2e &&
    start > 23 &&
    is(bytes[start - 1], alphanumeric) &&
    is(bytes[start - 12], alphanumeric) &&
    is(bytes[start - 23], alphanumeric)
  );
}

const botToken = /[MNO][A-Za-z0-9]{23,31}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])/y;

function botTokenAt({ text }: View, start: number): Found | undefined {
  const id =
    /(?<![\w.-])[MNO][A-Za-z0-9]{23,31}$/.exec(text.slice(Math.max(0, start - 33), start))?.[0] ?? '';
  const found = matchAt(botToken, text, start - id.length);
  // The id is a number in base64: no name has its digits.
  return found === null || !/\d/.test(id) || !isRandom(id)
    ? undefined
    : { type: 'SECRET', start: found.index, end: found.index + found[0].length, rank };
}

/** Keys that are told by how they end or by a mark in their middle, and addresses that are keys themselves. */
export const markedTokenDetector: Detector = {
  anchors: [
    '_mmk',
    'Q~',
    ':A',
    '.atlasv1.',
    '-us',
    'webhook.office.com/',
    'outlook.office.com/',
    'hooks.slack.com/',
    '/api/webhooks/',
    '%',
    '|',
  ].map((text): Anchor => ({
    text,
    check: (bytes, start, end) => betweenWords(bytes, start, end) && isWritten(text, bytes, start),
  })),
  find: (view, start) => markedAt(view, start),
};

function betweenWords(bytes: Uint8Array, start: number, end: number): boolean {
  const before = bytes[start - 1];
  return (
    (is(before, alphanumeric) || before === 0x2f || before === 0x2e) &&
    (is(bytes[end], alphanumeric | underscore) || end - start === 4)
  );
}

const shapesRound: readonly RegExp[] = [
  /[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk(?![A-Za-z0-9])/y,
  /[\w.~]{3}\dQ~[\w.~-]{31,34}(?![\w~])/y,
  /\d{1,16}:A[\w-]{34}(?![\w-])/y,
  /[a-z0-9]{14}\.atlasv1\.[\w=-]{60,70}/iy,
  /https:\/\/[a-z0-9]+\.webhook\.office\.com\/webhookb2\/[\w@-]{60,90}\/IncomingWebhook\/[a-z0-9]{32}\/[a-z0-9-]{36}/iy,
  /(?:https?:\/\/)?hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9+/_]{12,80}/y,
  /(?:https?:\/\/)?outlook\.office\.com\/webhook\/[\w@/-]{30,200}/y,
  /(?:https?:\/\/)?discord(?:app)?\.com\/api\/webhooks\/\d{5,20}\/[\w-]{20,100}/y,
  /[0-9a-f]{32}-us\d{1,2}(?![A-Za-z0-9])/y,
  /\d{15,16}[|%][\w-]{27,40}(?![\w-])/y,
];

/** A key begins at most 45 characters before its mark, where a word begins. */
function markedAt(view: View, start: number): Found | undefined {
  const { text, bytes } = view;
  const least = Math.max(0, start - 45);
  let from = start;
  while (from > least && !' \t\n"\'`=,;<>('.includes(text[from - 1] ?? ' ')) from -= 1;
  for (let at = from; at <= start; at += 1) {
    if (at > from && is(bytes[at - 1], alphanumeric)) continue;
    for (const shape of shapesRound) {
      const found = matchAt(shape, text, at);
      if (found !== null) return { type: 'SECRET', start: at, end: at + found[0].length, rank };
    }
  }
  return undefined;
}
