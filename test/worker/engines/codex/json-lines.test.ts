import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonLines } from '../../../../servers/worker/engines/codex/json-lines.ts';

function read(chunks: readonly Uint8Array[], maxBytes: number): { lines: string[]; oversized: number[] } {
  const lines: string[] = [];
  const oversized: number[] = [];
  const reader = new JsonLines(maxBytes, {
    line: (text) => lines.push(text),
    oversized: (bytes) => oversized.push(bytes),
  });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return { lines, oversized };
}

it('reads the same lines however they are cut', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((line) => line.replaceAll('\n', ''));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), fc.array(fc.nat(9), { minLength: 1 }), (lines, cuts) => {
      const bytes = Buffer.from(lines.join('\n'));
      const chunks: Uint8Array[] = [];
      for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
        const end = at + (cuts[cut % cuts.length] ?? 0) + 1;
        chunks.push(bytes.subarray(at, end));
        at = end;
      }
      expect(read(chunks, 1000).lines).toEqual(lines.filter((line) => line !== ''));
    }),
  );
});

it('skips a line over the limit, counts it, and goes on', () => {
  const chunks = ['{"a":1}\n', 'x'.repeat(60), 'x'.repeat(60), '\n{"b":2}\n'].map((text) =>
    Buffer.from(text),
  );
  expect(read(chunks, 100)).toEqual({ lines: ['{"a":1}', '{"b":2}'], oversized: [120] });
});

it('takes time in proportion to a long line', () => {
  const chunk = Buffer.alloc(1024, 'x');
  const started = performance.now();
  const { oversized } = read(
    Array.from({ length: 100_000 }, () => chunk),
    64 * 1024 * 1024,
  );
  expect(oversized).toEqual([102_400_000]);
  expect(performance.now() - started).toBeLessThan(2000);
});
