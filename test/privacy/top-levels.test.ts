import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parse } from 'tldts';
import { expect, test } from 'vitest';
import { isTopLevel } from '../../core/privacy/detectors/email.ts';
import { topLevels } from '../../core/privacy/detectors/top-levels.ts';

/** All labels the package has at any level, cut out of its one text by their lengths. */
function labelsOfPackage(): string[] {
  const file = createRequire(import.meta.url)
    .resolve('tldts')
    .replace('index.js', 'src/data/trie.js');
  const source = readFileSync(file, 'utf8');
  const lengths =
    /edgeLength = (?:\/\*.*?\*\/ )?new Uint8Array\(\[([\d, ]+)\]/.exec(source)?.[1]?.split(',').map(Number) ??
    [];
  const text = /labelText = "([^"]+)"/.exec(source)?.[1] ?? '';
  let at = 0;
  return lengths.map((length) => text.slice(at, (at += length)));
}

test('the list of top-level domains is that of the public suffix list', () => {
  const isListed = (label: string): boolean =>
    [`x.${label}`, `x.co.${label}`].some((host) => parse(host).isIcann === true);
  const theirs = [...new Set(labelsOfPackage())].filter(isListed);
  expect(theirs.length).toBeGreaterThan(1_000);
  expect(theirs.filter((label) => !topLevels.has(label))).toEqual([]);
  const ours = [...topLevels].filter((label) => !isListed(label));
  expect(ours).toEqual(
    'test example invalid localhost local localdomain internal intranet lan home corp private'.split(' '),
  );
});

test('a top-level domain is known in any case, and one that is not ASCII in both its forms', () => {
  const bytes = Buffer.from('РФ').toString('latin1');
  expect(['COM', 'de', 'xn--p1ai', bytes].filter((label) => !isTopLevel(label))).toEqual([]);
  expect(['ts', 'json', 'md5', 'сом', ''].filter(isTopLevel)).toEqual([]);
});
