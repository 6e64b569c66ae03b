import type { Content } from './content.ts';
import type { Pace } from '../../../../platform/pace.ts';

/** Bytes of lines looked at in one go. */
const sliceBytes = 128 * 1024;

/** What goes through a content line by line. */
export interface LineVisitor {
  /**
   * Whole lines, the first of them at `offset`; only the last of all may lack its newline. Answers
   * after how many bytes (the end of a line) it has had enough, or nothing to go on.
   */
  lines(bytes: Buffer, offset: number): number | undefined;
  /** A line longer than a chunk, its newline not counted. */
  longLine(offset: number, length: number): void;
}

/**
 * Shows `[from, to)` to a visitor, chunk by chunk, lines whole. Answers where it stopped: `to`, or the
 * beginning of a line where the time was over or the visitor had enough.
 */
export async function scanLines(
  content: Content,
  { from, to }: { from: number; to: number },
  visitor: LineVisitor,
  pace: Pace,
): Promise<number> {
  let offset = from;
  while (offset < to && (offset === from || pace.mayGoOn())) {
    await pace.breathe();
    const bytes = await content.readChunk(offset, to);
    if (bytes.length === 0) break;
    const newline = offset + bytes.length >= to ? bytes.length - 1 : bytes.lastIndexOf(10);
    if (newline === -1) {
      const end = await lineEnd(content, { from: offset + bytes.length, to }, pace);
      visitor.longLine(offset, end - offset);
      offset = Math.min(to, end + 1);
      continue;
    }
    const taken = await show(bytes.subarray(0, newline + 1), offset, visitor, pace);
    offset += taken.bytes;
    if (taken.isEnough) break;
  }
  return offset;
}

/** Shows whole lines a slice at a time: looking at them may take much longer than reading them. */
async function show(
  bytes: Buffer,
  offset: number,
  visitor: LineVisitor,
  pace: Pace,
): Promise<{ bytes: number; isEnough: boolean }> {
  for (let from = 0; from < bytes.length;) {
    if (from > 0 && !pace.mayGoOn()) return { bytes: from, isEnough: true };
    await pace.breathe();
    const newline = bytes.indexOf(10, from + sliceBytes);
    const to = newline === -1 ? bytes.length : newline + 1;
    const enough = visitor.lines(bytes.subarray(from, to), offset + from);
    if (enough !== undefined) return { bytes: from + enough, isEnough: true };
    from = to;
  }
  return { bytes: bytes.length, isEnough: false };
}

async function lineEnd(
  content: Content,
  { from, to }: { from: number; to: number },
  pace: Pace,
): Promise<number> {
  for (let offset = from; offset < to;) {
    await pace.breathe();
    const bytes = await content.readChunk(offset, to);
    const newline = bytes.indexOf(10);
    if (newline !== -1) return offset + newline;
    if (bytes.length === 0) break;
    offset += bytes.length;
  }
  return to;
}
