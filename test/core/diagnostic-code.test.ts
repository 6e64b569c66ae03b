import { describe, expect, it } from 'vitest';
import { diagnosticCode } from '../../core/diagnostic-code.ts';

function codeOf(line: string): string | undefined {
  const bytes = Buffer.from(line);
  return diagnosticCode(bytes, 0, bytes.length, line.toLowerCase().indexOf('error'));
}

describe('diagnosticCode', () => {
  it.each([
    ['src/app.ts(14,3): error TS2322: no', 'TS2322'],
    ['error[E0308]: mismatched types', 'E0308'],
    ['Program.cs(3,5): error CS0103: The name', 'CS0103'],
    ['main.cpp(9): error C2065: undeclared', 'C2065'],
    ['a.c:3:5: error: no return [-Werror=return-type]', '-Werror=return-type'],
    ['a.py:3: error: Missing annotation  [no-untyped-def]', 'no-untyped-def'],
    ["  12:5  error  'x' is not defined  no-undef", 'no-undef'],
    ['  3:1  error  Bad import  @scope/import-order', '@scope/import-order'],
  ])('%s', (line, code) => {
    expect(codeOf(line)).toBe(code);
  });

  it.each([
    'ERROR retry 12 of request 84 failed',
    'error: something went wrong',
    'AssertionError: expected 1 to be 2',
    'npm error code E404',
    'error reading config [see the docs]',
    'errors: 12',
  ])('finds none in: %s', (line) => {
    expect(codeOf(line)).toBeUndefined();
  });
});
