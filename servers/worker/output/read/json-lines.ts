import { nextNewline } from '../../../../core/newlines.ts';
import { resolvePointer } from '../../../../core/json-pointer.ts';
import { parseJson } from '../../../../core/parse-json.ts';
import type { Reached } from './json-document.ts';
import type { RecordPage } from './record-page.ts';
import type { ReadCall } from './request.ts';
import { scanLines } from './scan-lines.ts';

/** Takes the records of JSON Lines onto a page; a line that is no object or array is passed over. */
export async function readLines(
  { content, pace }: ReadCall,
  { from, to, keys }: { from: number; to: number; keys: readonly string[] },
  page: RecordPage,
): Promise<Reached> {
  const visitor = {
    lines: (bytes: Buffer, offset: number): number | undefined => {
      for (let start = 0; start < bytes.length;) {
        const newline = nextNewline(bytes, start);
        const end = newline === -1 ? bytes.length : newline;
        if (!takeLine(bytes, { start, end, offset }, keys, page)) return start;
        start = end + 1;
      }
      return undefined;
    },
    longLine: (offset: number, length: number): void => {
      page.addClipped({ offset, length });
    },
  };
  const end = await scanLines(content, { from, to }, visitor, pace);
  return { end, more: end < to, next: undefined };
}

function takeLine(
  bytes: Buffer,
  { start, end, offset }: { start: number; end: number; offset: number },
  keys: readonly string[],
  page: RecordPage,
): boolean {
  let first = start;
  while (first < end && (bytes[first] ?? 0) <= 0x20) first += 1;
  if (bytes[first] !== 0x7b && bytes[first] !== 0x5b) return true;
  const value = resolvePointer(parseJson(bytes.toString('utf8', first, end)), keys);
  return value === undefined || page.add(value, { offset: offset + start, length: end - start });
}
