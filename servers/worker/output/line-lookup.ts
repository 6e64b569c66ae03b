import { afterNewlines, type LineIndex } from './line-index.ts';

/** One for all: a lookup takes no turn of the event loop, and leaves no garbage. */
const block = Buffer.allocUnsafe(64 * 1024);

/** Where line `line` (from 1) begins, by its index entry and a short read onwards; `index.bytes` where there is none. */
export function findLine(
  index: LineIndex,
  line: number,
  readInto: (offset: number, target: Buffer) => number,
): number {
  if (line > index.lines) return index.bytes;
  const near = index.near(line);
  let { offset, newlines } = near;
  while (newlines > 0) {
    const wanted = Math.max(1, Math.min(block.length, near.until - offset));
    const bytes = block.subarray(0, readInto(offset, block.subarray(0, wanted)));
    if (bytes.length === 0) break;
    const result = afterNewlines(bytes, newlines);
    if ('found' in result) return offset + result.found;
    newlines -= result.seen;
    offset += bytes.length;
  }
  return offset;
}
