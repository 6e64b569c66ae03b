import { expect, test } from 'vitest';
import fc from 'fast-check';
import { clipToJsonBytes, jsonBytes } from '../../core/json-bytes.ts';

test('counts bytes as they are sent', () => {
  expect(jsonBytes('é"\n')).toBe(8);
});

test('a clipped text fits, is a beginning of the text, and is whole where it fits', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.integer({ min: 5, max: 300 }),
      (text, maxBytes) => {
        const clipped = clipToJsonBytes(text, maxBytes);
        expect(jsonBytes(clipped)).toBeLessThanOrEqual(maxBytes);
        if (jsonBytes(text) <= maxBytes) expect(clipped).toBe(text);
        else expect(text.startsWith(clipped.slice(0, -1))).toBe(true);
      },
    ),
  );
});
