import { describe, expect, it } from 'vitest';
import { isWhole, matchedNothing, matchStep, parseArtifactPattern } from '../../core/artifact-pattern.ts';

/** Whether the path, or a folder above it, is what the pattern names. */
function names(pattern: string, path: string): boolean {
  const parsed = parseArtifactPattern(pattern);
  if (!parsed.ok) throw new Error(parsed.error);
  const start = matchedNothing(parsed.value);
  const end = path.split('/').reduce((matched, step) => matchStep(parsed.value, matched, step), start);
  return isWhole(parsed.value, end);
}

describe('a pattern of artifacts', () => {
  it.each([
    ['report.json', 'report.json', true],
    ['report.json', 'sub/report.json', false],
    ['out/*.json', 'out/a.json', true],
    ['out/*.json', 'out/.json', true],
    ['out/*.json', 'out/sub/a.json', false],
    ['out/?.txt', 'out/a.txt', true],
    ['out/?.txt', 'out/ab.txt', false],
    ['out', 'out/sub/a.bin', true],
    ['out/', 'out/a', true],
    ['out', 'outer/a', false],
    ['**/*.xml', 'a.xml', true],
    ['**/*.xml', 'a/b/c.xml', true],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z', true],
    ['a/**/z', 'b/z', false],
    ['a/**', 'a/b/c', true],
    ['*a*b*', 'xxaxxbxx', true],
    ['*a*b*', 'xxbxxaxx', false],
    ['[x].txt', '[x].txt', true],
    ['[x].txt', 'x.txt', false],
  ])('%s names %s: %s', (pattern, path, is) => {
    expect(names(pattern, path)).toBe(is);
  });

  it.each(['/etc/passwd', '../x', 'a/../b', './x', 'a//b', '', '/', 'a\0b', 'a/'.repeat(40) + 'b'])(
    'is not %j',
    (text) => {
      expect(parseArtifactPattern(text).ok).toBe(false);
    },
  );

  it('takes a time that grows with the lengths alone', () => {
    const begun = performance.now();
    expect(names(`${'*a'.repeat(90)}b`, 'a'.repeat(200))).toBe(false);
    expect(performance.now() - begun).toBeLessThan(200);
  });
});
