import { createRandom } from '../../chaos/random.ts';

/** What of an output its reader wants to see, as text that stands in one line of it. */
export interface Wanted {
  /** Names of failing tests, or the errors planted in a log. */
  failures: string[];
  /** What each assertion said. */
  messages: string[];
  /** Where in the sources, `file:line`. */
  locations: string[];
  /** Codes of a compiler's errors, with how often each came and where first. */
  codes: { code: string; count: number; first: string }[];
}

/** An output of the corpus. */
export interface Output {
  name: string;
  /** Made by a script, or by the tool itself on this machine. */
  origin: 'made' | 'real';
  content: Buffer;
  stderr?: Buffer;
  wanted?: Partial<Wanted>;
}

/** All that the tool printed: what a parent would have got inline. */
export function inlineOf({ content, stderr }: Output): Buffer {
  return stderr === undefined ? content : Buffer.concat([content, stderr]);
}

/** Numbers that come again with the same seed: `next(n)` is in 0…n−1. */
export function seeded(seed: number): (below: number) => number {
  return createRandom(seed).int;
}

const words =
  'parse token stream buffer socket cache index queue worker lease schema config render layout router session cookie header signal timer batch merge diff patch commit branch tree blob ledger budget retry backoff gate breaker probe'.split(
    ' ',
  );

/** A word of the trade. */
export function word(random: (below: number) => number): string {
  return words[random(words.length)] ?? 'word';
}

/** Lines until there are `bytes` of them. */
export function linesUpTo(bytes: number, line: (at: number) => string): string[] {
  const lines: string[] = [];
  for (let size = 0; size < bytes;) {
    const text = line(lines.length);
    lines.push(text);
    size += text.length + 1;
  }
  return lines;
}

export function joined(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\n')}\n`);
}
