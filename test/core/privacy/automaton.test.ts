import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAutomaton } from '../../../core/privacy/automaton.ts';

/** Every literal that ends at each place, as the automaton tells them. */
function endings(literals: readonly string[], text: string): string[] {
  const { classes, next, width, rows, after, endings: found } = createAutomaton(literals);
  const met: string[] = [];
  let row = 0;
  for (const [at, byte] of Buffer.from(text).entries()) {
    row = next[row * width + (classes[byte] ?? 0)] ?? 0;
    if (row < rows) continue;
    const ending = row - rows;
    row = after[ending] ?? 0;
    met.push(...(found[ending] ?? []).map((index) => `${literals[index] ?? ''} to ${String(at + 1)}`));
  }
  return met.toSorted();
}

function searched(literals: readonly string[], text: string): string[] {
  const all = literals.flatMap((literal) =>
    Array.from(text, (_, at) => at + 1)
      .filter((to) => text.toLowerCase().slice(0, to).endsWith(literal))
      .map((to) => `${literal} to ${String(to)}`),
  );
  return all.toSorted();
}

const letters = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength });

test('all literals are met wherever they end, also those within others', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(letters(5), { minLength: 1, maxLength: 12 }),
      letters(60),
      (literals, text) => {
        const written = text.replaceAll('b', 'B');
        expect(endings(literals, written)).toEqual(searched(literals, written));
      },
    ),
  );
});

test('what leads on alike takes its room once, in numbers of two bytes', () => {
  const literals = Array.from({ length: 2_000 }, (_, at) => `word${at.toString(36)}x`);
  const { next, rows, width } = createAutomaton(literals);
  expect(next).toBeInstanceOf(Uint16Array);
  expect(next).toHaveLength(rows * width);
  // Each has a state for its number and one for its end, which all lead on as the first does.
  expect(rows).toBeLessThan(literals.length * 1.1);
});
