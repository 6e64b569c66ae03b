import type { View } from '../view.ts';
import { matchAt, type Anchor, type Detector, type Found } from './detector.ts';

const rank = 25;

/** Lines whose form says that a person's name comes next: git's headers and trailers, mail headers. */
const headers = [
  'author:',
  'commit:',
  'committer:',
  'author ',
  'committer ',
  'tagger ',
  'tagger:',
  'signed-off-by:',
  'co-authored-by:',
  'reviewed-by:',
  'acked-by:',
  'tested-by:',
  'reported-by:',
  'suggested-by:',
  'helped-by:',
  'co-developed-by:',
  'debugged-by:',
  'requested-by:',
  'approved-by:',
  'mentored-by:',
  'improved-by:',
  'based-on-patch-by:',
  'cc:',
  'bcc:',
  'from:',
  'to:',
  'reply-to:',
  'sender:',
  'maintainer:',
  'uploaders:',
  '-- ',
  'x-original-author:',
  'merged-by:',
  'thanks-to:',
  'patch-by:',
];

/** A name before an address in angle brackets, in one of those lines or anywhere else. */
export const personHeaderDetector: Detector = {
  anchors: [
    ...headers.map((text): Anchor => ({ text, check: beginsLine })),
    { text: '<', check: addressFollows },
    { text: '(', check: addressBefore },
  ],
  find: (view, start, end) => headerAt(view, start, end),
};

function beginsLine(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start - 1;
  while (
    at >= 0 &&
    start - at < 12 &&
    (bytes[at] === 0x20 ||
      bytes[at] === 0x3e ||
      bytes[at] === 0x09 ||
      bytes[at] === 0x7c ||
      bytes[at] === 0x2b ||
      bytes[at] === 0x2d)
  )
    at -= 1;
  const before = bytes[at];
  if (before !== undefined && before !== 10 && before !== 0x6e && before !== 0x22 && before !== 0x6d)
    return false;
  const next = bytes[end] === 0x20 ? bytes[end + 1] : bytes[end];
  return (
    next === undefined ||
    next >= 0x80 ||
    (next >= 0x41 && next <= 0x5a) ||
    next === 0x22 ||
    next === 0x5c ||
    next === 0x3d ||
    (next >= 0x61 && next <= 0x7a)
  );
}

/** `<` and an `@` (or what may hide one) before the next blank. */
function addressFollows(bytes: Uint8Array, start: number): boolean {
  if (bytes[start - 1] !== 0x20 && bytes[start - 1] !== 0x22) return false;
  for (let at = start + 1; at < start + 80; at += 1) {
    const byte = bytes[at];
    if (byte === undefined || byte === 0x20 || byte === 0x3e) return false;
    if (byte === 0x40 || byte === 0x25 || byte === 0x5c) return at > start + 1;
  }
  return false;
}

/** `jane@example.com (Jane Doe)`. */
function addressBefore(bytes: Uint8Array, start: number): boolean {
  if (bytes[start - 1] !== 0x20 && bytes[start - 1] !== 0x3e) return false;
  for (let at = start - 2; at > start - 80; at -= 1) {
    const byte = bytes[at];
    if (byte === 0x40) return true;
    if (byte === undefined || byte === 0x20) return false;
  }
  return false;
}

/** What stands between a header, a list or a line's begin and `<`: a name, or an organisation's; both are taken. */
const before =
  /(?:^|[\n\t,;|>([{] ?|["'] ?|[:=] ?|: {0,8}|[-*•] |\n|(?:^|\n) {1,8}|\b(?:[Bb]y|from|[Aa]uthor|[Cc]ommitter|wrote|and|&|to|cc|[Tt]hanks) )["']?([^\s"',;:<>()[\]{}|@=](?:(?:[^"',;:<>()[\]{}|@=\n\t]|(?<=\w)'(?=\w)){0,60}[^\s"',;:<>()[\]{}|@=])?)["']? ?$/;
const inBrackets = /\(([A-Z\x80-\xff][^\s()<>@\d]*(?: [^\s()<>@\d]+){1,3})\)/y;
const address = /<[^\s<>@]{1,64}@[^\s<>@]{1,255}>/y;
const bareName =
  /[ \t]*"?([A-Z\x80-\xff][^\s<>@:,;="()[\]{}\d]*(?: [^\s<>@:,;="()[\]{}\d]+){1,3})"?[ \t]*(?:\r?\n|$|<|,)/y;
const addressless =
  /^(?:author|committer|tagger|commit|(?:signed-off|co-authored|reviewed|acked|tested|reported|suggested|approved|merged)-by|from|reply-to|sender):$/i;

function headerAt(view: View, start: number, end: number): Found | undefined {
  const { text } = view;
  if (text[start] === '(') {
    const found = matchAt(inBrackets, text, start);
    return found === null ? undefined : person(start + 1, start + found[0].length - 1);
  }
  if (text[start] === '<')
    return matchAt(address, text, start) === null ? undefined : nameBefore(text, start);
  const word = text.slice(start, end);
  if (!addressless.test(word)) return undefined;
  const found = matchAt(bareName, text, end);
  const name = found?.[1];
  if (found === null || name === undefined) return undefined;
  const from = end + found[0].indexOf(name);
  return person(from, from + name.length);
}

const notPeople = /^(?:https?|mailto|e-?mail|contact|see|via|or|and|at|to|from|by|git|bug-\w+|the|is)$/i;

/** The name that ends right before `<`, back to where a header, a list or a line begins. */
function nameBefore(text: string, at: number): Found | undefined {
  const from = Math.max(0, at - 90);
  const line = text.slice(Math.max(from, text.lastIndexOf('\n', at - 1) + 1), at);
  const found = before.exec(line);
  const name = found?.[1];
  if (found === null || name === undefined) return undefined;
  // Words before a name are no part of it: only what begins with its first capital is.
  const words = name.split(' ');
  const capitals = words.findIndex((word) => /^["']?[A-Z\x80-\xff]/.test(word));
  const isWholeField = words.length <= 5;
  const skipped =
    isWholeField && capitals <= 0
      ? 0
      : words.slice(0, Math.max(0, capitals)).join(' ').length + (capitals > 0 ? 1 : 0);
  const kept = name.slice(skipped);
  if (kept === '' || notPeople.test(kept) || !/[A-Za-z\x80-\xff]/.test(kept)) return undefined;
  const start = at - (line.length - line.lastIndexOf(name)) + skipped;
  return person(start, start + kept.length);
}

function person(start: number, end: number): Found {
  return { type: 'PERSON', start, end, rank };
}
