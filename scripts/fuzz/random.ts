/** A stream of numbers in [0, 1) that is the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Dice {
  below(n: number): number;
  oneOf<T>(items: readonly [T, ...T[]]): T;
  /** A JSON value, hostile more often than not. */
  value(depth?: number): unknown;
  text(): string;
}

const nasty = [
  '',
  '\u0000',
  '../../etc/passwd',
  '\ud800',
  '__proto__',
  'constructor',
  '%00%2e%2e',
  'A'.repeat(5_000),
  '\u202e\u200b',
  '${7*7}',
  '<script>',
  "'; DROP TABLE run;--",
  'run_AAAAAAAAAAAAAAAAAAAAA',
  'hdl_AAAAAAAAAAAAAAAAAAAAA',
  '(a+)+$',
  '*',
] as const;
const numbers = [0, -1, 1, 0.5, 1e308, -1e308, 2 ** 31, 2 ** 53, 2 ** 53 + 2, 4_294_967_296] as const;

export function createDice(random: () => number): Dice {
  const below = (n: number): number => Math.floor(random() * n);
  const oneOf = <T>(items: readonly [T, ...T[]]): T => items[below(items.length)] ?? items[0];
  const text = (): string =>
    random() < 0.7
      ? oneOf(nasty)
      : String.fromCharCode(...Array.from({ length: below(40) }, () => below(65_536)));
  const value = (depth = 3): unknown => {
    const kind = below(depth > 0 ? 7 : 5);
    if (kind === 0) return text();
    if (kind === 1) return oneOf(numbers);
    if (kind === 2) return null;
    if (kind === 3) return random() < 0.5;
    if (kind === 4) return below(1_000);
    if (kind === 5) return Array.from({ length: below(5) }, () => value(depth - 1));
    return Object.fromEntries(Array.from({ length: below(5) }, () => [text(), value(depth - 1)]));
  };
  return { below, oneOf, value, text };
}
