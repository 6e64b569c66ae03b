/**
 * A number that is the same for lines that differ only in their variable parts: every run of
 * letters and digits with a digit in it counts as one placeholder (counters, times, ids, hex), and
 * leading blanks as nothing. FNV-1a, 32 bits; a collision hides one line of a preview, no more.
 */
export function lineShape(bytes: Buffer, from: number, to: number): number {
  let hash = offsetBasis;
  let at = from;
  while (at < to && isBlank(bytes[at])) at += 1;
  while (at < to) {
    const byte = bytes[at] ?? 0;
    if (!isWord(byte)) {
      hash = mix(hash, byte);
      at += 1;
      continue;
    }
    const beforeWord = hash;
    let variable = false;
    while (at < to) {
      const part = bytes[at] ?? 0;
      if (!isWord(part)) break;
      if (part >= 0x30 && part <= 0x39) variable = true;
      hash = mix(hash, part);
      at += 1;
    }
    if (variable) hash = mix(beforeWord, placeholder);
  }
  return hash;
}

/** The shape of all lines with one diagnostic code; none that lineShape gives on purpose. */
export function codeShape(code: string): number {
  let hash = placeholder;
  for (let at = 0; at < code.length; at += 1) hash = mix(hash, code.charCodeAt(at));
  return hash;
}

const offsetBasis = 0x811c9dc5 | 0;
const prime = 0x01000193;
const placeholder = 0x23;

function mix(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, prime);
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

function isWord(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a);
}
