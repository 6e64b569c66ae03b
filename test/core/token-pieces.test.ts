import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { tokenPieces } from '../../core/token-pieces.ts';

const sum = (pieces: Iterable<string>): number =>
  [...pieces].reduce((tokens, piece) => tokens + countTokens(piece), 0);

/** What outputs are made of, with what stands badly at a cut. */
const bit = fc.constantFrom(
  'word',
  ' ',
  '  ',
  '\n',
  '\r\n',
  '\n  ',
  "don't",
  "'s",
  'é',
  '日本',
  '😀',
  '12345',
  '{"a":1}',
  ';\n/',
  '--',
  '\t',
  '=',
);

describe('pieces of a text', () => {
  it('have the tokens of the text, where it can be cut', () => {
    fc.assert(
      fc.property(fc.array(bit, { minLength: 50, maxLength: 200 }), fc.nat(40), (bits, pad) => {
        const line = `${'a'.repeat(pad)}${bits.join('')}`;
        const text = `${line} and\n`.repeat(Math.ceil(9_000 / line.length));
        const pieces = [...tokenPieces(text)];
        expect(pieces.join('')).toBe(text);
        expect(pieces.every((piece) => piece.length <= 4_096)).toBe(true);
        expect(sum(pieces)).toBe(countTokens(text));
      }),
      { numRuns: 60 },
    );
  });

  it('are cut anyway where it cannot, between characters', () => {
    const pieces = [...tokenPieces(`${'='.repeat(4_095)}${'😀'.repeat(3_000)}`)];
    expect(pieces.map((piece) => piece.length)).toEqual([4_095, 4_096, 1_904]);
    expect(pieces.join('')).not.toContain('\ufffd');
    expect(pieces.every((piece) => !/^[\udc00-\udfff]/.test(piece))).toBe(true);
    expect([...tokenPieces('')]).toEqual([]);
  });
});
