import { afterNewlines, type LineIndex } from './line-index.ts';

const blockBytes = 64 * 1024;

/** Where line `line` (from 1) begins, by its index entry and a short read onwards; `index.bytes` where there is none. */
export async function findLine(
  index: LineIndex,
  line: number,
  read: (offset: number, length: number) => Promise<Buffer>,
): Promise<number> {
  if (line > index.lines) return index.bytes;
  let { offset, newlines } = index.near(line);
  while (newlines > 0) {
    const bytes = await read(offset, blockBytes);
    if (bytes.length === 0) break;
    const result = afterNewlines(bytes, newlines);
    if ('found' in result) return offset + result.found;
    newlines -= result.seen;
    offset += bytes.length;
  }
  return offset;
}
