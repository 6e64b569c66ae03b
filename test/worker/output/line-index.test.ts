import { describe, expect, it } from 'vitest';
import { LineIndex } from '../../../servers/worker/output/line-index.ts';

describe('LineIndex', () => {
  it('of nothing but empty lines stays small, and still leads near every line', () => {
    const index = new LineIndex();
    const chunk = Buffer.alloc(1 << 20, '\n');
    const chunks = 40;
    for (let at = 0; at < chunks; at += 1) index.push(chunk);
    const { offsets, stride } = index.size;
    expect(offsets).toBeLessThanOrEqual(65_536);
    expect(stride).toBe(1024);
    expect(index.lines).toBe(chunks << 20);
    for (const line of [1, 257, 1 << 20, 33_333_333, chunks << 20]) {
      const { offset, newlines } = index.near(line);
      expect(offset + newlines).toBe(line - 1);
      expect(newlines).toBeLessThan(stride);
    }
  });

  it('keeps an offset for every 256 lines of a log, however it is cut into chunks', () => {
    const line = 'a line of a log, as long as they are\n';
    const log = Buffer.from(line.repeat(10_000));
    for (const size of [1, 7, 4096, log.length]) {
      const index = new LineIndex();
      for (let at = 0; at < log.length; at += size) index.push(log.subarray(at, at + size));
      expect(index.size).toEqual({ offsets: 39, stride: 256 });
      for (const asked of [1, 256, 257, 9_999]) {
        const { offset, newlines } = index.near(asked);
        expect(offset / line.length + newlines).toBe(asked - 1);
      }
    }
  });
});
