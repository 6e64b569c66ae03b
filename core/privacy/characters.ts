/** Kinds of bytes, as bits, so that a question is one look-up. Bytes from 0x80 on count as letters: parts of UTF-8. */
export const digit = 1;
export const upper = 2;
export const lower = 4;
export const beyondAscii = 8;
export const underscore = 16;
/** `+ / -`, the rest of both base64 alphabets (with `_`). */
export const base64Mark = 32;
export const blank = 64;

export const letter = upper | lower | beyondAscii;
export const alphanumeric = letter | digit;

const kinds = new Uint8Array(256);
for (let byte = 0; byte < 256; byte += 1) kinds[byte] = kindOf(byte);

function kindOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return digit;
  if (byte >= 0x41 && byte <= 0x5a) return upper;
  if (byte >= 0x61 && byte <= 0x7a) return lower;
  if (byte >= 0x80) return beyondAscii;
  const character = String.fromCharCode(byte);
  if (character === '_') return underscore;
  if ('+/-'.includes(character)) return base64Mark;
  return ' \t\r\n'.includes(character) ? blank : 0;
}

/** Whether the byte is of one of the kinds; `undefined`, beyond either end, is of none. */
export function is(byte: number | undefined, kind: number): boolean {
  return byte !== undefined && ((kinds[byte] ?? 0) & kind) !== 0;
}

/** Lower case in ASCII only: in text of one character a byte the others are parts of UTF-8. */
export function foldAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** A set of bytes, asked once for almost every byte of a text: a look-up, where a `Set` would compute a hash. */
export interface ByteSet {
  has(byte: number): boolean;
}

/** The bytes of a few ASCII characters, to ask for one of them. */
export function bytesOf(characters: string): ByteSet {
  const table = new Uint8Array(256);
  for (const byte of Buffer.from(characters, 'latin1')) table[byte] = 1;
  return { has: (byte) => table[byte] === 1 };
}
