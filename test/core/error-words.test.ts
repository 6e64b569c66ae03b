import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyLine, findErrorWord } from '../../core/error-words.ts';

const strong = [
  'error: no',
  'src/app.ts(14,3): error TS2322: Type',
  'TypeError: x is not a function',
  'FAIL test/a.test.ts',
  '   × adds numbers 4ms',
  '✗ broken',
  '\x1b[31merror\x1b[0m: cannot find',
  'Traceback (most recent call last):',
  "thread 'main' panicked at src/main.rs",
  'fatal: not a git repository',
  'npm ERR! code 1',
  'not ok 3 - parses',
  '10 errors',
  '12 failed',
  'failures: 3',
  'AssertionError: expected 1 to be 2',
  'Segmentation fault (core dumped)',
];
const weak = [
  'src/errors.ts',
  'import { handler } from "./error-handler"',
  'cc -Werror -O2',
  'my_error_count 3',
];
const none = [
  'all good',
  '0 errors',
  'no errors found',
  'Errors: 0',
  '"failed": 0, "passed": 7',
  'failed=0',
  'without error',
  'terrific',
];

const verdict = (line: string) => {
  const bytes = Buffer.from(line);
  const word = classifyLine(bytes, 0, bytes.length);
  return word === undefined ? 'none' : word.strong ? 'strong' : 'weak';
};

describe('classifyLine', () => {
  it.each(strong)('strong: %s', (line) => expect(verdict(line)).toBe('strong'));
  it.each(weak)('weak: %s', (line) => expect(verdict(line)).toBe('weak'));
  it.each(none)('none: %s', (line) => expect(verdict(line)).toBe('none'));
});

describe('findErrorWord', () => {
  it('finds the first word a plain search finds, wherever it lies', () => {
    const plain =
      /error|fail|exception|panic|fatal|traceback|assert|abort|err!|not ok|denied|refused|cannot|segmentation fault|killed|timed out|unhandled|undefined reference|no such file/i;
    const piece = fc.oneof(
      fc.constantFrom(
        'Error',
        'FAIL',
        'not o',
        'not ok',
        'err',
        'erro',
        'faifail',
        'segmentation',
        ' fault',
        'undefined ',
        'reference',
        'no such file',
        '\xff',
      ),
      fc.string({ unit: fc.constantFrom('e', 'r', 'o', 'f', 'a', 'i', 'l', ' ', '1'), maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12, size: 'max' }), fc.nat(5), (pieces, skip) => {
        const bytes = Buffer.from(pieces.join(''), 'latin1');
        const found = plain.exec(bytes.toString('latin1').slice(skip));
        expect(findErrorWord(bytes, skip, bytes.length)).toBe(found === null ? -1 : found.index + skip);
      }),
      { numRuns: 2000 },
    );
  });
});
