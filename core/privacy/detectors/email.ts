import { alphanumeric, bytesOf, foldAscii, is } from '../characters.ts';
import { utf8Of, type View } from '../view.ts';
import { matchAt, type Detector, type Found } from './detector.ts';
import { topLevels } from './top-levels.ts';

/**
 * E-mail addresses: an `@` between a local part and a domain whose last label is a real one (the
 * public suffix list) or one of those kept for private use. Not addresses: `git@host:path`, versions
 * behind a package name, names called as functions, identifiers of messages.
 */
export const emailDetector: Detector = {
  anchors: [{ text: '@', check: betweenParts }],
  find: (view, start) => emailAt(view, start),
};

const rank = 40;
/** RFC 5321 §4.5.3.1.1. */
const maxLocal = 64;

/** What the domain begins with may be an escape or a terminal sequence. */
function betweenParts(bytes: Uint8Array, start: number, end: number): boolean {
  const before = bytes[start - 1];
  const after = bytes[end];
  if (before === undefined || !(is(before, alphanumeric) || localMarks.has(before) || before === 0x22)) {
    return false;
  }
  return after === undefined || is(after, alphanumeric) || domainOpeners.has(after);
}

const localMarks = bytesOf("._%+-'~!#$*&;");
/** `[` of an address literal, and the first characters of what may hide a domain's first letter. */
const domainOpeners = bytesOf('\\%&\x1b\n\r=[');

/** Marks that are part of a local part in real addresses; the rest of RFC 5322's are delimiters far more often. */
const inLocal = bytesOf("._%+-'~");

const domain =
  /(?:[a-z0-9\x80-\xff](?:[a-z0-9\x80-\xff_-]{0,61}[a-z0-9\x80-\xff])?\.){1,9}(?:xn--[a-z0-9-]{2,59}|[a-z\x80-\xff]{2,24})(?![a-z0-9\x80-\xff])/iy;
const addressLiteral = /\[(?:\d{1,3}\.){3}\d{1,3}\]/y;
const version = /^v?\d+\.\d+\.|^v?\d+\.\d+-/i;
/** Version control hosts' own user in the address of a repository. */
const notPeople = /^(?:git|hg|svn|gitea|forgejo|aur)$/i;
/** Kotlin's and Scala's labels, written like an address. */
const labelled = /^(?:this|super|return|break|continue)$/;

export function emailAt(view: View, at: number): Found | undefined {
  const { text } = view;
  const start = localStart(text, at);
  if (start === at) return undefined;
  const literal = matchAt(addressLiteral, text, at + 1);
  const end = literal === null ? domainEnd(text, at + 1) : at + 1 + literal[0].length;
  if (end === undefined) return undefined;
  const local = text.slice(start, at);
  const host = text.slice(at + 1, end);
  if (notAnAddress(text, start, end, local, host)) return undefined;
  return { type: 'EMAIL', start, end, rank, value: `${local}@${foldAscii(host)}` };
}

function notAnAddress(text: string, start: number, end: number, local: string, host: string): boolean {
  if (version.test(host) || labelled.test(local)) return true;
  // In brackets, as behind a name, it is somebody's all the same.
  if (notPeople.test(local) && !(text[start - 1] === '<' && text[end] === '>')) return true;
  // `a@b.dot(c)`: a product of matrices; `user@host.com(…` does not occur.
  if (text[end] === '(') return true;
  return local.length > 8 && isMessageId(text, start);
}

/** `Message-ID: <…>`, `References:` and the like name messages, not people. */
function isMessageId(text: string, start: number): boolean {
  if (text[start - 1] !== '<') return false;
  const line = text.slice(Math.max(0, start - 300), start);
  return /(?:message-id|in-reply-to|references|content-id):[^\n>]*$/i.test(line);
}

function localStart(text: string, at: number): number {
  if (text[at - 1] === '"') {
    const open = text.lastIndexOf('"', at - 2);
    const quoted = text.slice(open + 1, at - 1);
    return open !== -1 && at - open <= maxLocal && /^[\w.+ -]+$/.test(quoted) ? open : at;
  }
  let start = at;
  const least = Math.max(0, at - maxLocal);
  while (start > least && isLocal(text, start - 1)) start -= 1;
  // A longer run is no local part, but may not be let through in halves either: its end is taken.
  while (start < at && inLocal.has(text.charCodeAt(start)) && text[start] !== '_') start += 1;
  return text[at - 1] === '.' ? at : start;
}

function isLocal(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (is(code, alphanumeric)) return true;
  if (!inLocal.has(code)) return false;
  // O'Brien, d'Arc; but not the quote of b'…' or name='…'.
  if (text[at] === "'")
    return /(?:^|[^a-z\x80-\xff])[odlm]'[a-z]$/i.test(text.slice(Math.max(0, at - 2), at + 2));
  return true;
}

/** Where the domain that begins here ends; `undefined` where none does. */
function domainEnd(text: string, at: number): number | undefined {
  const found = matchAt(domain, text, at)?.[0] ?? '';
  let host = found;
  // The end of a sentence may stand against the next one: `…@example.com.Then`.
  while (host.includes('.')) {
    const last = host.slice(host.lastIndexOf('.') + 1);
    if (isTopLevel(last)) return at + host.length;
    host = host.slice(0, host.lastIndexOf('.'));
  }
  return undefined;
}

/** Whether a label ends real host names. */
export function isTopLevel(label: string): boolean {
  const lower = foldAscii(label);
  return topLevels.has(lower) || topLevels.has((utf8Of(lower) ?? lower).toLowerCase());
}
