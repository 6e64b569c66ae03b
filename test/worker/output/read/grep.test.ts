import { randomFillSync } from 'node:crypto';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { growing, readOn, sealed } from './support.ts';

/** What a search must find: every line decoded and tried on its own. */
function naive(content: string, pattern: string): number[] {
  const lines = content.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const regex = RE2JS.compile(pattern);
  return lines.flatMap((line, at) => (regex.test(line.replace(/\r$/, '')) ? [at + 1] : []));
}

const numbersOf = (text: string): number[] =>
  text.split('\n').flatMap((line) => {
    const number = /^(\d+)(?:@\d+)?:/.exec(line)?.[1];
    return number === undefined ? [] : [Number(number)];
  });

const line = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.string({
      unit: fc.constantFrom('a', 'b', 'B', 'c', ' ', '1', '"', 'é', '\r', 's', 'K', '\u212a'),
      maxLength: 12,
    }),
  },
  { weight: 1, arbitrary: fc.constant('ab'.repeat(400)) },
);
const atom = fc.constantFrom(
  'a',
  'b',
  'ab',
  'abc',
  'é',
  '1',
  '.',
  '[ab]',
  '[^b]',
  '(a|b1)',
  '(?:(?:bc)+)',
  '\\d',
  '\\.',
  'k',
  's',
  '\\bab',
  '(?:(b)?)',
);
const piece = fc
  .tuple(atom, fc.constantFrom('', '', '', '?', '*', '+', '{2}', '{0,1}'))
  .map((parts) => parts.join(''));
const pattern = fc
  .tuple(
    fc.constantFrom('', '', '(?i)', '^'),
    fc.array(piece, { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '', '$', '|c', '|bb?'),
  )
  .map(([flags, pieces, end]) => `${flags}${pieces.join('')}${end}`);

describe('grep', () => {
  it('finds the lines a naive reference finds, by pages of any size, from either end, and counts them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 60 }),
        pattern,
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        async (lines, pattern, count, endsLine) => {
          const content = lines.join('\n') + (endsLine ? '\n' : '');
          const wanted = naive(content, pattern);
          const handle = await sealed(content);
          const forward = await readOn(handle, { mode: 'grep', pattern, count });
          expect(forward.flatMap(({ text }) => numbersOf(text))).toEqual(wanted);
          const counted = await readOn(handle, { mode: 'grep', pattern, pick: 'count' });
          expect(counted.reduce((sum, { hits = 0 }) => sum + hits, 0)).toBe(wanted.length);
          const backward = await readOn(handle, { mode: 'grep', pattern, count, pick: 'last' });
          expect(backward.toReversed().flatMap(({ text }) => numbersOf(text))).toEqual(wanted);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('shows the lines around, each once, with groups apart', async () => {
    const handle = await sealed(
      Array.from({ length: 20 }, (_, at) =>
        at === 4 || at === 6 || at === 15 ? `hit ${at + 1}\n` : `line ${at + 1}\n`,
      ).join(''),
    );
    const { text, hits, from_line, to_line } = await handle.read({ pattern: 'hit', context: 1 });
    expect(text).toBe(
      '4- line 4\n5: hit 5\n6- line 6\n7: hit 7\n8- line 8\n--\n15- line 15\n16: hit 16\n17- line 17\n',
    );
    expect({ hits, from_line, to_line }).toEqual({ hits: 3, from_line: 5, to_line: 16 });
  });

  it('clips a line of any length around what was found, and says where that is', async () => {
    const content = Buffer.alloc(5_000_000, 'x');
    content.write('NEEDLE', 3_000_000);
    const handle = await sealed(content);
    for (const pattern of ['NEEDLE', 'NEED[A-Z]E', '(?i)needle']) {
      const { text, cursor } = await handle.read({ pattern, wait_ms: 20_000 });
      const [, place] = /^1@(\d+): …(x*NEEDLEx+…)\n$/.exec(text) ?? [];
      expect(Number(place), pattern).toBeGreaterThan(2_999_000);
      expect(text.length).toBeLessThan(300);
      expect(cursor).toBeUndefined();
    }
    expect(await handle.read({ pattern: 'x', pick: 'count' })).toMatchObject({ hits: 1 });
  });

  it('finds what lies across two chunks of a long line', async () => {
    for (const at of [1_048_570, 1_048_573, 1_048_576]) {
      const content = Buffer.alloc(2_500_000, 'x');
      content.write('NEEDLE', at);
      const handle = await sealed(content);
      expect(await handle.read({ pattern: 'NEEDLE' })).toMatchObject({ hits: 1 });
      expect(await handle.read({ pattern: 'NE[E]DLE', wait_ms: 20_000 })).toMatchObject({ hits: 1 });
    }
  });

  it('takes bytes of any kind', async () => {
    const noise = randomFillSync(Buffer.alloc(300_000));
    const handle = await sealed(Buffer.concat([noise, Buffer.from('\nNEEDLE\0\x1b[31m\u202e\n'), noise]));
    const { text } = await handle.read({ pattern: '^NEEDLE' });
    expect(text).toMatch(/^\d+: NEEDLE␀<U\+202E>\n$/);
    expect((await handle.read({ pattern: 'NEEDLE', context: 20, count: 5 })).hits).toBe(1);
  });

  it('refuses what is no pattern, look-arounds and back-references, in words of ours', async () => {
    const handle = await sealed('text\n');
    for (const pattern of ['a(b', '(?=a)b', '(a)\\1', '[z-a]', 'a**', 'a{1001}', '\\']) {
      await expect(handle.read({ pattern }), pattern).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });

  it('answers or refuses hostile patterns within a second', async () => {
    const handle = await sealed(`${'a'.repeat(50_000)}!\n`.repeat(40));
    for (const pattern of [
      '(a+)+$',
      '^(a|aa)+$',
      '(.*a){20}[b]$',
      '(.{0,1000})(.{0,900})[XYZ]$',
      '(x+x+)+y',
    ]) {
      const begun = performance.now();
      await handle
        .read({ pattern })
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'INVALID_INPUT' }));
      expect(performance.now() - begun, pattern).toBeLessThan(1_500);
    }
  });

  it('reads a growing handle on: finished lines only, each once, and waits for one that matches', async () => {
    const handle = growing('one hit\ntwo\nthree h');
    const first = await handle.read({ pattern: 'hit' });
    expect(first).toMatchObject({ hits: 1, text: '1: one hit\n' });
    const waiting = handle.read({ pattern: 'hit', cursor: first.cursor, wait_ms: 10_000 });
    handle.writer.append(Buffer.from('it\nfour\n'));
    expect(await waiting).toMatchObject({ hits: 1, text: '3: three hit\n' });
    const last = handle.read({ pattern: 'nothing', wait_ms: 20_000 });
    await handle.writer.seal({ truncated: false });
    expect(await last).toMatchObject({ hits: 0, sealed: true });
  });

  it('refuses a cursor it did not give', async () => {
    const handle = await sealed('text\n');
    for (const cursor of ['x', 'l-1', 'l1e9', '../..', 'l99999999999999999999', '']) {
      await expect(handle.read({ pattern: 't', cursor }), cursor).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
    }
    expect(await handle.read({ pattern: 't', cursor: 'l999999' })).toMatchObject({ hits: 0 });
  });
});
