import { characterEnd, characterStart } from './page.ts';
import { sanitize } from './sanitize.ts';

/** Bytes shown of a line. */
export const clipBytes = 240;
/** Where what matters lies deeper in its line than this, the clip begins a little before it. */
const deepBytes = 160;
const leadBytes = 60;

/** Where the clip of a line begins that starts at `line`, for the sake of a place in it. */
export function clipStart(line: number, at: number): number {
  return at - line > deepBytes ? at - leadBytes : line;
}

/**
 * A line as one line of text: its beginning, or the part of it that `bytes` holds. `bytes` is at
 * most clipBytes and a few more of the content from `offset` on; the byte offset is named where a part is missing.
 */
export function clippedLine(
  bytes: Buffer,
  { label, offset, startsLine }: { label: string; offset: number; startsLine: boolean },
): string {
  const newline = bytes.indexOf(10);
  const end = newline === -1 ? bytes.length : newline;
  const isCut = end > clipBytes;
  const from = startsLine ? 0 : characterStart(bytes, 0);
  const to = isCut ? characterEnd(bytes, clipBytes) : end;
  const text = sanitize(bytes.toString('utf8', from, to))
    .replaceAll('\n', '')
    .replace(/\u240d$/, '');
  const place = startsLine && !isCut ? '' : `@${String(offset + from)}`;
  const [number, mark] = [label.slice(0, -1), label.slice(-1)];
  return `${number}${place}${mark} ${startsLine ? '' : '…'}${text}${isCut ? '…' : ''}\n`;
}
