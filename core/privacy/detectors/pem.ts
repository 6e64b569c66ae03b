import type { View } from '../view.ts';
import { matchAt, type Detector, type Found } from './detector.ts';

const rank = 80;

/** Private keys between their marks (RFC 7468, OpenPGP, PuTTY); to the end of what is there where the second mark is missing. */
export const pemDetector: Detector = {
  anchors: [{ text: '-----begin' }, { text: 'putty-user-key-file-' }],
  find: (view, start) => pemAt(view, start),
};

const begin = /-----BEGIN[ A-Z0-9_-]{0,48}?PRIVATE KEY(?: BLOCK)?-----/y;
const end = /-----END[ A-Z0-9_-]{0,48}?PRIVATE KEY(?: BLOCK)?-----/g;
/** What a key without its end mark is made of: lines of base64, headers, blank lines. */
const body =
  /(?:[ \t>|+#*]{0,8}(?:[A-Za-z0-9+/=]{0,100}|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): ?[^\n]{0,100})(?:["',]|\\n|\+)*\r?\n){1,2000}(?:[A-Za-z0-9+/=]{16,100})?/y;
const putty = /PuTTY-User-Key-File-\d[^\n]*\n(?:[^\n]*\n){0,400}?Private-MAC: ?[0-9a-f]+/iy;

function pemAt(view: View, start: number): Found | undefined {
  const { text } = view;
  const key = matchAt(putty, text, start);
  if (key !== null) return { type: 'SECRET', start, end: start + key[0].length, rank };
  const opened = matchAt(begin, text, start);
  if (opened === null) return undefined;
  const from = start + opened[0].length;
  end.lastIndex = from;
  const closed = lastMark(text) >= from ? end.exec(text) : null;
  if (closed !== null) return { type: 'SECRET', start, end: closed.index + closed[0].length, rank };
  const rest = /^[^\n]{0,8}\n/.exec(text.slice(from, from + 10))?.[0].length ?? 0;
  const tail = matchAt(body, text, from + rest)?.[0].length ?? 0;
  // On one line, its line ends written as escapes, all that can be base64 belongs to it.
  const sameLine =
    tail === 0
      ? (/^(?:[\w+/=\s]|-(?!----))*/.exec(text.slice(from, from + 20_000))?.[0].trimEnd().length ?? 0)
      : rest + tail;
  return { type: 'SECRET', start, end: from + sameLine, rank };
}

/** Asked once a text, so that a thousand opening marks without an end are not each searched to the end. */
let lastText = '';
let lastAt = -1;
function lastMark(text: string): number {
  if (text !== lastText) {
    lastText = text;
    lastAt = text.lastIndexOf('-----END');
  }
  return lastAt;
}
