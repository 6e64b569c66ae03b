/** Shannon's entropy of a text's characters, bits a character (C. E. Shannon, 1948). */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
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
