import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../core/trust/canonical.ts';

describe('canonical JSON', () => {
  // The examples of RFC 8785, sections 3.2.2 to 3.2.4.
  it('is that of the RFC', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"\u002f',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
    const names = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
    expect([...canonicalJson(names).matchAll(/:(\d)/g)].map(([, n]) => Number(n))).toEqual([
      2, 4, 6, 7, 1, 5, 3,
    ]);
    expect(canonicalJson(-0)).toBe('0');
  });

  it.each<[string, unknown]>([
    ['what is not finite', [NaN]],
    ['infinity', { a: Infinity }],
    ['half of a surrogate pair', ['\ud800']],
    ['half of one in a name', { '\udc00': 1 }],
    ['what is no JSON', [undefined]],
    ['a function', () => 1],
    ['a big integer', 1n],
  ])('is none of %s', (_what, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  it('says what JSON says, whatever the order of members', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });
});
