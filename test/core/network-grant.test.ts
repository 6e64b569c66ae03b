import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bothGrant, eitherGrant, grants, parseAuthority } from '../../core/network-grant.ts';
import { networkGrant, networkHost, type NetworkGrant } from '../../schemas/network.ts';

/** Few names and ports, so that rules meet. */
const names = ['a.test', 'b.a.test', 'c.b.a.test', 'ba.test', '10.0.0.1', '[::1]'];
const ports = [80, 443, 8080];
const entry = fc
  .tuple(fc.constantFrom(...names), fc.boolean(), fc.option(fc.constantFrom(...ports)))
  .map(
    ([name, below, port]) =>
      `${below && name.endsWith('test') ? '*.' : ''}${name}${port === null ? '' : `:${String(port)}`}`,
  );
const grant: fc.Arbitrary<NetworkGrant> = fc.oneof(
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 6, arbitrary: fc.array(entry, { maxLength: 4 }) },
);

function allowed(given: NetworkGrant, text: string): boolean {
  const asked = parseAuthority(text);
  return asked?.port !== undefined && grants(given, asked.host, asked.port);
}

const everything = names.flatMap((name) => ports.map((port) => `${name}:${String(port)}`));
const reached = (given: NetworkGrant): string[] => everything.filter((text) => allowed(given, text));

describe('two grants', () => {
  it('reach what both reach, or what either does', () => {
    fc.assert(
      fc.property(grant, grant, (one, other) => {
        const [first, second] = [reached(one), reached(other)];
        expect(reached(bothGrant(one, other))).toEqual(first.filter((text) => second.includes(text)));
        const union = new Set([...first, ...second]);
        expect(reached(eitherGrant(one, other))).toEqual(everything.filter((text) => union.has(text)));
      }),
    );
  });

  it('are a grant again, and all of the network only where one of them, or both, say so', () => {
    fc.assert(
      fc.property(grant, grant, (one, other) => {
        const [both, either] = [bothGrant(one, other), eitherGrant(one, other)];
        for (const made of [both, either]) expect(networkGrant.safeParse(made).success).toBe(true);
        expect(both === true).toBe(one === true && other === true);
        expect(either === true).toBe(one === true || other === true);
      }),
    );
  });
});

describe('a listed host', () => {
  it.each([
    ['a.test', ['a.test:443', 'A.TEST:80', 'a.test.:443']],
    ['a.test:8080', ['a.test:8080']],
    ['*.a.test', ['b.a.test:80', 'c.b.a.test:443']],
    ['10.0.0.1:80', ['10.0.0.1:80']],
    ['[0:0:0:0:0:0:0:1]', ['[::1]:443']],
  ])('%s is reached', (listed, asked) => {
    for (const text of asked) expect([text, allowed([listed], text)]).toEqual([text, true]);
  });

  it.each([
    ['a.test', ['b.a.test:443', 'a.test:8080', 'a.test', 'xa.test:443', 'a.test.evil:443']],
    ['*.a.test', ['a.test:443', 'ba.test:443', '*.a.test:443', '*.b.a.test:443']],
    [
      '10.0.0.1',
      [
        '010.0.0.1:80',
        '10.1:80',
        '167772161:80',
        '0xa000001:80',
        '[::ffff:10.0.0.1]:80',
        '[::ffff:a00:1]:80',
      ],
    ],
    [
      'a.test:443',
      [
        'a.test..:443',
        'user@a.test:443',
        'a.test:443@evil.test:443',
        'a.test%2eevil:443',
        'a.test\\.evil:443',
        'a.test:0443',
        'a.test:443 ',
        'a.test:443/',
        'a.test#:443',
        'ａ.test:443',
        'a.test\0.evil:443',
        'a.test\n:443',
        ':443',
        '',
      ],
    ],
  ])('%s is nothing else', (listed, asked) => {
    for (const text of asked) expect([text, allowed([listed], text)]).toEqual([text, false]);
  });

  it.each([
    '*',
    '*.test',
    '**.a.test',
    'a.*.test',
    'http://a.test',
    'a.test/x',
    'a.test:0',
    'a.test:65536',
    '127.1',
    'a.0x1',
    '[::g]',
    '::1',
    '',
    '-a.test',
    'a..test',
    'user@a.test',
  ])('is not %s', (text) => {
    expect(networkHost.safeParse(text).success).toBe(false);
  });
});
