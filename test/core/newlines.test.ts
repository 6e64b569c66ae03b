import fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterNewline, countInWords, countNewlines } from '../../core/newlines.ts';

// Dense and sparse stretches in turn, with bytes that differ from a newline in one bit only.
const stretch = fc.oneof(
  fc.array(fc.constantFrom(10, 10, 11, 8, 0x8a, 0, 255), { maxLength: 3000 }),
  fc.array(fc.constantFrom(97, 98, 0x8a), { maxLength: 3000 }),
  fc.array(fc.constant(10), { maxLength: 3000 }),
);

test('newlines are counted as one by one, wherever the bytes lie in memory', () => {
  fc.assert(
    fc.property(fc.array(stretch, { maxLength: 6 }), fc.nat(7), fc.nat(2000), (parts, shift, from) => {
      const content = Buffer.from(parts.flat());
      const memory = Buffer.alloc(content.length + 8, 10);
      const bytes = memory.subarray(shift, shift + content.length);
      bytes.set(content);
      const [start, end] = [Math.min(from, bytes.length), Math.max(from, bytes.length - 3)];
      const wanted = bytes.subarray(start, end).filter((byte) => byte === 10).length;
      expect(countNewlines(bytes, start, Math.min(end, bytes.length))).toBe(wanted);
      expect(countInWords(bytes, start, Math.min(end, bytes.length))).toBe(wanted);
    }),
    { numRuns: 200 },
  );
});

test('the place after a newline is found by its number', () => {
  expect(afterNewline(Buffer.from('a\nbc\n\nd'), 0, 1)).toBe(2);
  expect(afterNewline(Buffer.from('a\nbc\n\nd'), 2, 2)).toBe(6);
});
