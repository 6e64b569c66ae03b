/** How often each character was met; all zero between two questions. */
const counts = new Uint16Array(256);

/** Shannon's entropy of the characters of a text of one character a byte, bits a character (C. E. Shannon, 1948). */
export function entropy(text: string): number {
  const { length } = text;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at) & 0xff;
    counts[code] = (counts[code] ?? 0) + 1;
  }
  let bits = 0;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at) & 0xff;
    const count = counts[code] ?? 0;
    if (count === 0) continue;
    counts[code] = 0;
    bits -= (count / length) * Math.log2(count / length);
  }
  return bits;
}

export const hasEntropyOf = (text: string, least: number): boolean => entropy(text) >= least;

const placeholder =
  /^(?:x{4,}|\*{3,}|\.{3,}|-{3,}|_{3,}|0+|1234567890?|<[^>]*>|\$\{.*|\$\(.*|\{\{.*|%[\w.]+%|\[.*\]|\(.*\)|redacted|masked|hidden|none|null|nil|undefined|true|false|yes|no|todo|tbd|n\/a|empty|changeme|change_me|change-me|placeholder|dummy|required|optional|string|number|boolean|password|passwd|secret|token|example|test|sample|default|(?:your|my|the|some|insert|enter|put|replace)[-_ ].*|.*(?:[-_ ]here|placeholder|redacted|x{6,}|\*{4,}|…))$/i;

/** Stands where a value would, and is none. */
export function isPlaceholder(text: string): boolean {
  return placeholder.test(text.slice(0, 200)) || /^(.)\1*$/.test(text.slice(0, 64));
}

/**
 * Made by a machine rather than of words: some part between marks is long and mixes letters and
 * digits, or upper and lower case the way no name does.
 */
export function isRandom(text: string): boolean {
  return text.split(/[-_.=+/]/).some((part) => {
    if (part.length < 8) return false;
    const digits = part.replace(/\D/g, '').length;
    const turns = part.match(/[a-z][A-Z0-9]|[A-Z][0-9]|[0-9][a-zA-Z]/g)?.length ?? 0;
    if (digits > 0) return turns >= 2 && entropy(part) >= 2.5;
    return part.length >= 16 && turns >= 4 && entropy(part) >= 3.5;
  });
}
