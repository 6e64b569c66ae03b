import type { PrivateType } from '../../schemas/privacy.ts';

export { privateTypes } from '../../schemas/privacy.ts';
export type { PrivateType };

/** The types replaced where nobody says otherwise. */
export const usualTypes: readonly PrivateType[] = ['EMAIL', 'PHONE', 'PERSON', 'SECRET'];

/** How a value was written where it was found; `mixed` for several ways in one value. */
export const encodings = [
  'plain',
  'json',
  'url',
  'html',
  'quoted_printable',
  'ansi',
  'wrapped',
  'base64',
  'mixed',
] as const;
export type Encoding = (typeof encodings)[number];

/** A private value in a stretch of bytes. */
export interface Finding {
  /** `TEXT`: not private, and only looks like a surrogate. */
  type: PrivateType | 'TEXT';
  /** First byte, and the byte after the last, of the stretch. */
  start: number;
  end: number;
  /** The value itself, one spelling for all: EMAIL with its domain in lower case, PHONE as E.164 where known. */
  value: string;
  /** What stood there, to be put back. Bytes that are not UTF-8 come as one character each (`latin1`). */
  raw: string;
  /** Whether `raw` holds a character a byte, for bytes that are not UTF-8. */
  latin1: boolean;
  encoding: Encoding;
}

/** Answers what stands in the place of a finding. The same finding is answered the same way. */
export type Replace = (finding: Finding) => string;
