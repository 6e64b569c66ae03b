import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { characterEnd, cutPage, jsonBytes, lastPageStart } from '../../core/page.ts';

const content = fc.oneof(
  fc.uint8Array({ maxLength: 400, size: 'max' }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'binary', maxLength: 200, size: 'max' }).map((text) => Buffer.from(text)),
  fc
    .string({
      unit: fc.constantFrom('a', '"', '\\', '\n', 'é', '日', '😀', '\x1b'),
      maxLength: 300,
      size: 'max',
    })
    .map((text) => Buffer.from(text)),
);
const encoding = fc.constantFrom('utf8' as const, 'base64' as const);

describe('cutPage', () => {
  it('never exceeds its budget and always gets on', () => {
    fc.assert(
      fc.property(
        content,
        encoding,
        fc.integer({ min: 24, max: 200 }),
        fc.boolean(),
        (bytes, how, budget, more) => {
          const cut = cutPage(bytes, { encoding: how, budget, more, complete: true });
          expect(jsonBytes(cut.text)).toBeLessThanOrEqual(budget);
          expect(cut.bytes).toBeLessThanOrEqual(bytes.length);
          if (bytes.length > 0) expect(cut.bytes).toBeGreaterThan(0);
          expect(cut.newlines).toBe(bytes.subarray(0, cut.bytes).filter((byte) => byte === 10).length);
        },
      ),
    );
  });

  it('cuts after a line where one fits', () => {
    const cut = cutPage(Buffer.from('aaaa\nbbbb\ncccc\n'), {
      encoding: 'utf8',
      budget: 13,
      more: false,
      complete: true,
    });
    expect(cut).toEqual({ text: 'aaaa\nbbbb\n', bytes: 10, newlines: 2, atLineEnd: true });
  });

  it('cuts a line longer than a page between two characters', () => {
    const cut = cutPage(Buffer.from('日'.repeat(100)), {
      encoding: 'utf8',
      budget: 100,
      more: false,
      complete: true,
    });
    expect(cut.bytes % 3).toBe(0);
    expect(cut.bytes).toBeGreaterThan(80);
    expect(cut.text).toBe('日'.repeat(cut.bytes / 3));
  });

  it('leaves a character under way for the next page, unless nothing can follow', () => {
    const begun = Buffer.from('a日').subarray(0, 3);
    const options = { encoding: 'utf8', budget: 100, more: false } as const;
    expect(cutPage(begun, { ...options, complete: false })).toMatchObject({ text: 'a', bytes: 1 });
    expect(cutPage(begun, { ...options, complete: true })).toMatchObject({ text: 'a\ufffd', bytes: 3 });
  });
});

describe('lastPageStart', () => {
  it('takes the last whole lines that fit, else the end of the last line', () => {
    const lines = Buffer.from('aaaa\nbbbb\ncccc\n');
    expect(lastPageStart(lines, { encoding: 'utf8', budget: 13 })).toBe(5);
    expect(lastPageStart(lines, { encoding: 'utf8', budget: 100 })).toBe(0);
    expect(lastPageStart(Buffer.from('é'.repeat(50)), { encoding: 'utf8', budget: 30 }) % 2).toBe(0);
  });

  it('leaves no more than fits', () => {
    fc.assert(
      fc.property(content, encoding, fc.integer({ min: 24, max: 200 }), (bytes, how, budget) => {
        const rest = bytes.subarray(lastPageStart(bytes, { encoding: how, budget }));
        expect(cutPage(rest, { encoding: how, budget, more: false, complete: true }).bytes).toBe(rest.length);
      }),
    );
  });
});

describe('characterEnd', () => {
  it('agrees with the decoder on every cut of valid text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20, size: 'max' }), (text) => {
        const bytes = Buffer.from(text);
        const ends = new Set([0]);
        for (const character of text) ends.add(Math.max(...ends) + Buffer.byteLength(character));
        for (let at = 0; at <= bytes.length; at += 1) {
          expect(characterEnd(bytes, at)).toBe(Math.max(...[...ends].filter((end) => end <= at)));
        }
      }),
    );
  });
});
