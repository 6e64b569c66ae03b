import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineSplitter } from '../../mcp/line-splitter.ts';

function split(chunks: readonly Buffer[], maxBytes: number) {
  const lines: string[] = [];
  let tooLong = 0;
  const splitter = createLineSplitter({
    maxBytes,
    onLine: (line) => lines.push(line.toString('utf8')),
    onTooLong: () => {
      tooLong += 1;
    },
  });
  for (const chunk of chunks) splitter.push(chunk);
  return { lines, tooLong };
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const points = [0, ...at.map((point) => point % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return points.slice(1).map((end, index) => bytes.subarray(points[index], end));
}

describe('line splitter', () => {
  it('gives the same lines however the stream is cut, inside a character too', () => {
    const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', '€'));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat()), (expected, at) => {
        const bytes = Buffer.from(expected.map((text) => `${text}\n`).join(''));
        const whole = Buffer.from(expected.join('\n')).toString('utf8');
        expect(split(cut(bytes, at), 1e6).lines.join('\n')).toBe(whole);
      }),
    );
  });

  it('keeps back a line without its end', () => {
    expect(split([Buffer.from('a\nb')], 10).lines).toEqual(['a']);
  });

  it('stops at a line over the limit, whether its end is seen or not', () => {
    expect(split([Buffer.from('1234\n12345\n1\n')], 4)).toEqual({ lines: ['1234'], tooLong: 1 });
    expect(split([Buffer.from('123'), Buffer.from('45')], 4)).toEqual({ lines: [], tooLong: 1 });
    expect(split([Buffer.from('123'), Buffer.from('45'), Buffer.from('1\n')], 4)).toEqual({
      lines: [],
      tooLong: 1,
    });
  });

  it('delivers nothing after stop, not even from the same chunk', () => {
    const lines: string[] = [];
    const splitter = createLineSplitter({
      maxBytes: 10,
      onLine: (line) => {
        lines.push(line.toString());
        splitter.stop();
      },
      onTooLong: () => undefined,
    });
    splitter.push(Buffer.from('a\nb\nc'));
    splitter.push(Buffer.from('d\n'));
    expect(lines).toEqual(['a']);
  });

  it('takes time linear in the length of a line', () => {
    const timeOf = (count: number): number => {
      const chunks = Array.from({ length: count }, () => Buffer.alloc(1024, 0x61));
      const before = process.cpuUsage();
      const { lines } = split([...chunks, Buffer.from('\n')], 1e9);
      const { user, system } = process.cpuUsage(before);
      expect(lines[0]).toHaveLength(count * 1024);
      return user + system;
    };
    timeOf(1_000);
    // Quadratic joining would take 64 times as long.
    expect(timeOf(32_000)).toBeLessThan(24 * Math.max(timeOf(4_000), 3_000));
  });
});
