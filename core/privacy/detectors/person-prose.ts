import type { View } from '../view.ts';
import { is, letter, underscore } from '../characters.ts';
import { matchAt, type Anchor, type Detector, type Found } from './detector.ts';
import { firstNames, isFirstName } from './first-names.ts';
import { couldBeName, fullName, namePart } from './person-words.ts';

const rank = 15;
const titles = [
  'mr. ',
  'mrs. ',
  'ms. ',
  'dr. ',
  'prof. ',
  'mr ',
  'mrs ',
  'ms ',
  'dr ',
  'herr ',
  'frau ',
  'monsieur ',
  'madame ',
  'señor ',
  'señora ',
  'sr. ',
  'sra. ',
].map((title) => Buffer.from(title).toString('latin1'));
const greetings = [
  'hi ',
  'hello ',
  'dear ',
  'hey ',
  'thanks ',
  'thanks, ',
  'regards, ',
  'cheers, ',
  'hallo ',
  'liebe ',
  'lieber ',
  'bonjour ',
  'hola ',
];

/**
 * Names in running text, as far as a list of given names, titles and greetings goes: best effort.
 * A surname alone, or a name that no list has, is left; `known_values` is for those.
 */
export const personProseDetector: Detector = {
  anchors: [
    ...firstNames.map((text): Anchor => ({
      text: capitalised(text),
      cased: true,
      notAfter: letter | underscore,
      check: capitalisedPair,
    })),
    ...[...titles, ...greetings].map((text): Anchor => ({
      text: capitalised(text),
      cased: true,
      notAfter: letter,
      check: capitalFollows,
    })),
  ],
  find: (view, start, end) => proseAt(view, start, end),
};

function capitalised(text: string): string {
  return text.replace(/^[a-z]/, (first) => first.toUpperCase());
}

/** The word stands alone, and another capital follows it. */
function capitalisedPair(bytes: Uint8Array, start: number, end: number): boolean {
  const next = bytes[end];
  if (next !== 0x20 && next !== 0x1b && next !== 0x5c && next !== 0x25 && next !== 0x26 && next !== 0xc2)
    return false;
  const before = start > 0 ? bytes[start - 1] : undefined;
  if (before === 0x2e || before === 0x2f) return false;
  const after = bytes[end + 1];
  return (
    next !== 0x20 ||
    after === undefined ||
    (after >= 0x41 && after <= 0x5a) ||
    after >= 0x80 ||
    after === 0x76 ||
    after === 0x64
  );
}

function capitalFollows(bytes: Uint8Array, _start: number, end: number): boolean {
  const after = bytes[end];
  return after !== undefined && ((after >= 0x41 && after <= 0x5a) || after >= 0x80);
}

const name = new RegExp(fullName, 'y');
const oneName = new RegExp(
  String.raw`${namePart}(?:[ ](?:van|von|der|de|di|da|la))*(?:[ ]${namePart})*`,
  'y',
);

function proseAt(view: View, start: number, end: number): Found | undefined {
  const { text } = view;
  const word = text.slice(start, end).toLowerCase();
  if (titles.includes(word)) {
    const found = matchAt(oneName, text, end)?.[0];
    return found === undefined || found.length < 3 || !couldBeName(found)
      ? undefined
      : person(end, end + trimmed(found).length);
  }
  if (greetings.includes(word)) return greeted(text, end);
  if (is(text.charCodeAt(start - 1), letter)) return undefined;
  const found = matchAt(name, text, start)?.[0];
  if (found === undefined) return undefined;
  const whole = trimmed(found);
  const rest = whole.slice(end - start + 1);
  if (rest.replace('.', '').length < 2 && whole.split(' ').length < 3) return undefined;
  return couldBeName(whole) ? person(start, start + whole.length) : undefined;
}

/** After a greeting one given name is enough, where a mark or the line's end follows it. */
function greeted(text: string, at: number): Found | undefined {
  const found = matchAt(oneName, text, at)?.[0];
  if (found === undefined) return undefined;
  const first = found.split(' ')[0] ?? '';
  const next = text[at + found.length];
  if (!isFirstName(first) || !(next === undefined || ',!.\n\r'.includes(next)) || !couldBeName(found))
    return undefined;
  return person(at, at + found.length);
}

/** The dot of an initial stays, the one that ends a sentence goes. */
function trimmed(found: string): string {
  return found.replace(/(?<=[^. ][^. ])\.$/, '');
}

function person(start: number, end: number): Found {
  return { type: 'PERSON', start, end, rank };
}
