import type { HandleRecord } from '../../../../schemas/handle.ts';
import { indexedLines } from '../line-index.ts';
import type { HandleReader } from '../handle-store.ts';

/** Bytes read at a time by what goes through all of a content. */
export const chunkBytes = 1 << 20;
const blockBytes = 64 * 1024;

/** One handle as it stood when the call came: what is appended later is another call's. */
export interface Content {
  readonly record: HandleRecord;
  readonly size: number;
  read(offset: number, length: number): Promise<Buffer>;
  /** Up to a chunk, in memory the next chunk is read into as well. */
  readChunk(offset: number, end: number): Promise<Buffer>;
  /** Where a line (from 1) begins; the size where there are fewer. */
  lineOffset(line: number): Promise<number>;
  /** The line (from 1) the byte at `offset` belongs to. */
  lineAt(offset: number): Promise<number>;
}

export function openContent(store: HandleReader, record: HandleRecord): Content {
  const { handle_id: id, bytes: size } = record;
  const read = (offset: number, length: number): Promise<Buffer> =>
    store.read(id, offset, Math.max(0, Math.min(length, size - offset)));
  let chunk = Buffer.alloc(0);
  const readChunk = async (offset: number, end: number): Promise<Buffer> => {
    if (chunk.length === 0) chunk = Buffer.allocUnsafe(Math.max(1, Math.min(chunkBytes, size)));
    const wanted = chunk.subarray(0, Math.max(0, Math.min(end, size) - offset));
    return wanted.subarray(0, await store.readInto(id, offset, wanted));
  };
  const lineOffset = async (line: number): Promise<number> =>
    line > record.lines ? size : Math.min(await store.lineOffset(id, line), size);
  return {
    record,
    size,
    read,
    readChunk,
    lineOffset,
    lineAt: (offset) => lineAt({ record, read, lineOffset }, offset),
  };
}

/** By halving among the lines whose offsets the index has, then a short count onwards. */
async function lineAt(
  content: Pick<Content, 'record' | 'read' | 'lineOffset'>,
  offset: number,
): Promise<number> {
  const indexed = (entry: number): number => entry * indexedLines + 1;
  let low = 0;
  let high = Math.floor(Math.max(0, content.record.lines - 1) / indexedLines);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((await content.lineOffset(indexed(middle))) <= offset) low = middle;
    else high = middle - 1;
  }
  let line = indexed(low);
  for (let at = await content.lineOffset(line); at < offset;) {
    const bytes = await content.read(at, Math.min(blockBytes, offset - at));
    if (bytes.length === 0) break;
    for (let newline = bytes.indexOf(10); newline !== -1; newline = bytes.indexOf(10, newline + 1)) line += 1;
    at += bytes.length;
  }
  return line;
}

/** Where the finished lines of a content end: all of it once sealed, else just after its last newline. */
export async function finishedEnd(content: Content): Promise<number> {
  if (content.record.state === 'sealed') return content.size;
  const from = Math.max(0, content.size - chunkBytes);
  const newline = (await content.read(from, content.size - from)).lastIndexOf(10);
  // A line that long is not waited for.
  return newline === -1 && from > 0 ? content.size : from + newline + 1;
}
