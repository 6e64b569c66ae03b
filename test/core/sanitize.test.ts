import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sanitize } from '../../core/sanitize.ts';

const cases: readonly (readonly [string, string, string])[] = [
  ['plain text', 'a b\tc\nd', 'a b\tc\nd'],
  ['colours', '\x1b[1;31mred\x1b[0m \x1b[38;2;1;2;3mx\x1b[m', 'red x'],
  ['cursor movement and erasing', 'a\x1b[2K\x1b[1A\x1b[?25lb', 'ab'],
  ['an OSC title and a hyperlink', '\x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\', 'link'],
  ['eight-bit sequences', '\x9b31mred\x9dtitle\x9c!', 'red!'],
  ['a device control string', '\x1bPq#0;2\x1b\\after', 'after'],
  ['a string that never ends stays visible', '\x1b]0;rest of the line\nnext', '0;rest of the line\nnext'],
  ['an escape never spans a line end', '\x1b[3\n1m', '3\n1m'],
  ['other escapes', '\x1b(B\x1b7\x1bc.', '.'],
  ['CR LF and a lone CR', 'a\r\nb\rc', 'a\nb␍c'],
  ['control characters as pictures', 'a\0\x07\x08\x7f', 'a␀␇␈␡'],
  ['other eight-bit controls', 'a\x85b', 'a\\x85b'],
  ['bidi controls', 'user\u202e \u2066// admin\u2069', 'user<U+202E> <U+2066>// admin<U+2069>'],
  ['line separators', 'a\u2028b\u2029c', 'a<U+2028>b<U+2029>c'],
  ['zero-width characters', 'a\u200bb\u200dc\ufeffd\u2060e\u00adf', 'abcdef'],
  ['tags and variation selectors', 'x\u{e0041}\u{e0042}\u{e007f}\ufe0f\u{e0100}y', 'xy'],
  ['half a surrogate pair', 'a\ud800b', 'a\ufffdb'],
  ['other scripts and emoji', '日本 ελ עב 😀', '日本 ελ עב 😀'],
];

/** Text rich in what sanitize looks for. */
const hostile = fc.string({
  unit: fc.constantFrom(
    '\x1b',
    '[',
    ']',
    '\x9b',
    '\x9d',
    '\x07',
    '\\',
    '0',
    ';',
    'm',
    ' ',
    'a',
    '\r',
    '\n',
    '\u202e',
    '\u200b',
    '\ud800',
    '\u{e0041}',
    '\x9c',
    'P',
  ),
  maxLength: 60,
  size: 'max',
});

describe('sanitize', () => {
  it.each(cases)('%s', (_, text, expected) => {
    expect(sanitize(text)).toBe(expected);
  });

  it('leaves nothing to sanitize, and no character that is not text', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
        const once = sanitize(text);
        expect(sanitize(once)).toBe(once);
        expect(once).not.toMatch(
          /(?![\t\n])\p{Cc}|\p{Bidi_Control}|\p{Default_Ignorable_Code_Point}|\p{Surrogate}/u,
        );
      }),
    );
  });

  it('of lines is the lines of the whole', () => {
    fc.assert(
      fc.property(
        fc.array(
          hostile.map((text) => text.replaceAll('\n', '')),
          { maxLength: 5 },
        ),
        (lines) => {
          expect(sanitize(lines.map((line) => `${line}\n`).join(''))).toBe(
            lines.map((line) => sanitize(`${line}\n`)).join(''),
          );
        },
      ),
    );
  });

  it.each([
    ['parameters without an end', `\x1b[${'0'.repeat(320_000)}`],
    ['strings without an end', '\x1b]'.repeat(160_000)],
    ['one string without an end', `\x1b]${'a'.repeat(320_000)}`],
    ['eight-bit introducers', '\x9d'.repeat(320_000)],
    ['escapes alone', '\x1b'.repeat(320_000)],
    ['intermediates', `\x1b${' '.repeat(320_000)}`],
    ['bidi', '\u202e'.repeat(160_000)],
  ])('takes time in proportion to the text: %s', (_, text) => {
    const half = timeOf(text.slice(0, text.length / 8));
    const whole = timeOf(text);
    // Quadratic time would be 64-fold; the floor keeps the clock's noise out.
    expect(whole).toBeLessThan(24 * Math.max(half, 20));
  });
});

function timeOf(text: string): number {
  const began = performance.now();
  sanitize(text);
  return performance.now() - began;
}
