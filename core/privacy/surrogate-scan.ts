import { surrogateTypes, type SurrogateType } from '../../schemas/privacy.ts';
import { alphabet, bodyLength } from './surrogate.ts';

/** Something that may be a surrogate: whether it is one, its key decides. */
export interface SurrogateShape {
  type: SurrogateType;
  /** 18 characters, in lower case and without what came between them. */
  body: string;
  start: number;
  end: number;
  /** Written as it was made, but for upper or lower case. */
  exact: boolean;
}

/** Between two characters of a surrogate there may be a line break with what an editor or a mail puts at its ends. */
const maxBetween = 16;

const skipped = new Set(' \t\r\n\\"\'`>|*~\u00ad\u200b\u200c\u200d\u2060\ufeff');
const separators = ['\\u005f', '&lowbar;', '&#95;', '&#x5f;', '%5f', '_', '-', ':', '.'];
/** First letters of the types, for a quick look. */
const firstLetters = new Set(surrogateTypes.map((type) => type.charAt(0).toLowerCase()));

/**
 * Everything in a text that has the shape of a surrogate, also where it went through a model, a
 * renderer or a shell: in another case, with its underscore escaped or replaced, broken over lines,
 * with quote marks or colours in between. Linear: each place is looked at for a bounded stretch.
 */
export function findSurrogates(text: string): SurrogateShape[] {
  const found: SurrogateShape[] = [];
  const lower = lowerCase(text);
  for (let at = 0; at < lower.length; at += 1) {
    if (!firstLetters.has(lower.charAt(at))) continue;
    const shape = shapeAt(lower, at);
    if (shape === undefined) continue;
    found.push(shape);
    at = shape.end - 1;
  }
  return found;
}

/** As `toLowerCase`, and every character stays where it was. */
function lowerCase(text: string): string {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function shapeAt(text: string, start: number): SurrogateShape | undefined {
  for (const type of surrogateTypes) {
    const word = gather(text, start, type.length, (letter, at) => letter === type.charAt(at).toLowerCase());
    if (word === undefined) continue;
    const bodyAt = afterSeparators(text, word.end);
    const body = gather(text, bodyAt, bodyLength, (letter) => letter !== '' && alphabet.includes(letter));
    if (body === undefined) continue;
    const exact = body.end - start === type.length + 1 + bodyLength && text.charAt(word.end) === '_';
    return { type, body: body.text, start, end: body.end, exact };
  }
  return undefined;
}

/** The next `count` characters that fit, over what may lie between; undefined where another one comes first. */
function gather(
  text: string,
  start: number,
  count: number,
  fits: (letter: string, at: number) => boolean,
): { text: string; end: number } | undefined {
  let gathered = '';
  let at = start;
  for (;;) {
    if (!fits(text.charAt(at), gathered.length)) return undefined;
    gathered += text.charAt(at);
    at += 1;
    if (gathered.length === count) return { text: gathered, end: at };
    at = skip(text, at);
  }
}

/** Past what may lie between two characters of a surrogate. */
function skip(text: string, start: number): number {
  let at = start;
  while (at < start + maxBetween) {
    const next = skipOne(text, at);
    if (next === at) return at;
    at = next;
  }
  return at;
}

const escapedBreak = /\\[nrt]|=\r?\n|\u001b\[[0-9;]{0,12}[a-z]|<\/?[a-z]{1,6} ?\/?>/y;

function skipOne(text: string, at: number): number {
  const letter = text.charAt(at);
  if (letter === '\\' || letter === '=' || letter === '\u001b' || letter === '<') {
    escapedBreak.lastIndex = at;
    if (escapedBreak.test(text)) return escapedBreak.lastIndex;
  }
  return skipped.has(letter) ? at + 1 : at;
}

function afterSeparators(text: string, start: number): number {
  let at = start;
  for (let left = maxBetween; left > 0; left -= 1) {
    const separator = separators.find((one) => text.startsWith(one, at));
    const next = separator === undefined ? skipOne(text, at) : at + separator.length;
    if (next === at) return at;
    at = next;
  }
  return at;
}
