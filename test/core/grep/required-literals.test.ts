import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { requiredLiterals } from '../../../core/grep/required-literals.ts';

const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', 'A', '-', ']', '{', '1', 'é', ' ', '.'),
  maxLength: 12,
});
const atom = fc.constantFrom(
  'a',
  'b',
  'c',
  'é',
  '-',
  '1',
  '{',
  ']',
  '\\.',
  '\\-',
  '\\d',
  '\\bb',
  '\\x61',
  '\\x{62}',
  '\\pL',
  '\\p{Lu}',
  '[ab]',
  '[^a]',
  '[]a]',
  '[[:alpha:]]',
  '[a\\]b]',
  '.',
  '^',
  '$',
  '(?i:a)',
  '\\Qa.\\E',
  'ab',
);
const times = fc.constantFrom('', '', '', '', '?', '*', '+', '+?', '{2}', '{0,2}', '{1,}', '{,2}', '{a}');
const { pattern } = fc.letrec<{ pattern: string; part: string; sequence: string }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 3 },
    atom,
    fc
      .tuple(fc.constantFrom('(', '(?:', '(?P<n>', '(?s:'), tie('pattern'))
      .map(([open, inner]) => `${open}${inner})`),
  ),
  sequence: fc
    .array(
      fc.tuple(tie('part'), times).map((parts) => parts.join('')),
      { maxLength: 4 },
    )
    .map((parts) => parts.join('')),
  pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((branches) => branches.join('|')),
}));

function compiled(source: string): RE2JS | undefined {
  try {
    return RE2JS.compile(source);
  } catch {
    return undefined;
  }
}

describe('requiredLiterals', () => {
  it('names only what each match contains, and exact ones match wherever they stand', () => {
    let understood = 0;
    fc.assert(
      fc.property(
        fc.constantFrom('', '', '(?i)'),
        pattern,
        fc.array(text, { minLength: 5, maxLength: 20 }),
        (flags, rest, texts) => {
          const source = `${flags}${rest}`;
          const regex = compiled(source);
          const required = requiredLiterals(source);
          if (regex === undefined || required === undefined) return;
          understood += 1;
          const fold = (one: string): string => (required.ignoreCase ? one.toLowerCase() : one);
          for (const one of [...texts, ...required.literals]) {
            const has = required.literals.some((literal) => fold(one).includes(fold(literal)));
            if (regex.test(one)) expect(has, `${source} matches ${one}`).toBe(true);
            else if (required.exact) expect(has, `${source} does not match ${one}`).toBe(false);
          }
        },
      ),
      { numRuns: 3000 },
    );
    expect(understood).toBeGreaterThan(200);
  });

  it.each([
    ['NEEDLE', ['NEEDLE'], true],
    ['status=500 \\(GET\\)', ['status=500 (GET)'], true],
    ['NEEDLE-[A-Z]+', ['NEEDLE-'], false],
    ['error|warn|fail', ['error', 'warn', 'fail'], true],
    ['(ERROR|WARN).*status=5', ['status=5'], false],
    ['ab?cde+f', ['cde'], false],
    ['^exit \\d+$', ['exit '], false],
  ])('understands %s', (pattern, literals, exact) => {
    expect(requiredLiterals(pattern)).toEqual({ literals, exact, ignoreCase: false });
  });

  it.each(['\\d+', 'a*', '[ab]', '(a)?', '', '(?=a)', 'a|b*', '\\1', '(', '[a', 'x\\Qa\\E'])(
    'requires nothing for %s',
    (pattern) => {
      expect(requiredLiterals(pattern)).toBeUndefined();
    },
  );
});
