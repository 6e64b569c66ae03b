import type { Encoding } from './finding.ts';

/**
 * What the detectors read: one character a byte (`latin1`), with escapes resolved. Each character
 * knows which raw bytes it stands for.
 */
export interface View {
  text: string;
  bytes: Uint8Array;
  /** Where the raw bytes of each character begin and end; none where the view is the raw text itself. */
  origin: Origin | undefined;
}

export interface Origin {
  starts: Int32Array;
  ends: Int32Array;
  /** How each character was written; 0 for plainly. */
  ways: Uint8Array;
}

/** By number in `Origin.ways`; the last is only an answer for several. */
export const ways = ['plain', 'json', 'url', 'html', 'quoted_printable', 'ansi', 'wrapped'] as const;
export type Way = (typeof ways)[number];

export function plainView(bytes: Uint8Array): View {
  return { text: latin1(bytes), bytes, origin: undefined };
}

/** The raw bytes of a stretch of the view, and how they were written. */
export function rawRange(
  view: View,
  start: number,
  end: number,
): { start: number; end: number; encoding: Encoding } {
  const { origin } = view;
  if (origin === undefined) return { start, end, encoding: 'plain' };
  let way = 0;
  let mixed = false;
  for (let at = start; at < end; at += 1) {
    // What was left out before the first character is no part of the value.
    const one = origin.ways[at] ?? 0;
    if (one === 0 || (at === start && one >= ways.indexOf('ansi'))) continue;
    if (way !== 0 && way !== one) mixed = true;
    way = one;
  }
  return {
    start: origin.starts[start] ?? 0,
    end: origin.ends[end - 1] ?? 0,
    encoding: mixed ? 'mixed' : (ways[way] ?? 'plain'),
  };
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text that bytes (one a character) are in UTF-8; `undefined` where they are not UTF-8. */
export function utf8Of(text: string): string | undefined {
  if (!/[\x80-\xff]/.test(text)) return text;
  try {
    return strict.decode(Buffer.from(text, 'latin1'));
  } catch {
    return undefined;
  }
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
