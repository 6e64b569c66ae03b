import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { growing, readOn, sealed } from './support.ts';

describe('stats', () => {
  it('counts as a plain split does', async () => {
    const line = fc.oneof(
      fc.string({ maxLength: 200, unit: 'binary' }),
      fc.constant(''),
      fc.constant('the same'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 50 }), async (lines) => {
        const content = `${lines.join('\n').replaceAll('\r', '')}\n`;
        const handle = await sealed(content);
        const all = content
          .split('\n')
          .slice(0, -1)
          .map((one) => Buffer.byteLength(one));
        const { text } = await handle.read({ mode: 'stats' });
        expect(text).toContain(
          `lines: ${all.length}, blank: ${all.filter((length) => length === 0).length}\n`,
        );
        const sorted = all.toSorted((a, b) => a - b);
        expect(text).toContain(`p50 ${sorted[Math.ceil(all.length / 2) - 1]},`);
        expect(text).toContain(`longest ${sorted.at(-1)} (`);
      }),
      { numRuns: 100 },
    );
  });

  it('names repeated lines and kinds of errors by where they first stand', async () => {
    const lines = Array.from({ length: 5000 }, (_, at) =>
      at % 10 === 3 ? 'retrying' : at % 500 === 7 ? `ERROR: request ${at} failed` : `line ${at}`,
    );
    const { text } = await (await sealed(`${lines.join('\n')}\n`)).read({ mode: 'stats' });
    expect(text).toContain('error-like lines: 10\n10× 8: ERROR: request 7 failed\n');
    expect(text).toMatch(/most repeated lines.*:\n\d+× 4: retrying\n/);
  });

  it('takes a line of any length, bytes of any kind, and nothing', async () => {
    const long = await sealed(`a\n${'x'.repeat(4_000_000)}\nb\n`);
    expect((await long.read({ mode: 'stats' })).text).toContain(
      'lines: 3, blank: 0\nbytes a line: p50 1, p90 ',
    );
    expect((await (await sealed('a\0b\n')).read({ mode: 'stats' })).text).toContain('binary');
    expect((await (await sealed(Buffer.from([0xff, 10]))).read({ mode: 'stats' })).text).toContain(
      'not all UTF-8',
    );
    expect(await (await sealed('')).read({ mode: 'stats' })).toMatchObject({
      text: expect.stringContaining('lines: 0'),
    });
  });

  it('goes on with what a growing handle got since', async () => {
    const handle = growing('one\ntwo\nthr');
    const first = await handle.read({ mode: 'stats' });
    expect(first.text).toContain('lines: 2,');
    handle.writer.append(Buffer.from('ee\n'));
    const second = await handle.read({ mode: 'stats', cursor: first.cursor });
    expect(second).toMatchObject({ text: expect.stringContaining('lines: 1,'), from_line: 3, to_line: 3 });
  });
});

describe('outline', () => {
  it('shows the sections of a test log with their lines and errors', async () => {
    const log = [
      ' RUN  v4.1.12 /app',
      ' ✓ test/a.test.ts (3 tests) 12ms',
      ' ❯ test/b.test.ts (2 tests | 1 failed) 40ms',
      '   × adds numbers 8ms',
      ' FAIL  test/b.test.ts > adds numbers',
      'AssertionError: expected 3 to be 4',
      ' ❯ test/b.test.ts:7:5',
      ' Test Files  1 failed | 1 passed (2)',
      '      Tests  1 failed | 4 passed (5)',
    ];
    const { text } = await (await sealed(`${log.join('\n')}\n`)).read({ mode: 'outline' });
    expect(text).toContain('1:  RUN  v4.1.12 /app');
    expect(text).toMatch(/^5: {2}FAIL {2}test\/b\.test\.ts > adds numbers \[2 error-like\]$/m);
    expect(text).toContain('8:  Test Files  1 failed | 1 passed (2)');
    expect(text).not.toContain('test/a.test.ts');
  });

  it('counts rows of like headings, and goes on by cursor', async () => {
    const log = Array.from(
      { length: 3000 },
      (_, at) => `--- FAIL: TestNumber${at} (0.00s)\n    x_test.go:${at}: wrong\n# section ${at % 7}\n`,
    ).join('');
    const answers = await readOn(await sealed(log), { mode: 'outline', count: 100 });
    const lines = answers.flatMap(({ text }) => text.split('\n').slice(0, -1));
    expect(lines).toHaveLength(6000);
    expect(lines[1]).toBe('3: # section 0');
    expect(new Set(lines.map((line) => Number.parseInt(line, 10))).size).toBe(6000);
    const row = await (await sealed('PASS a\n'.repeat(50))).read({ mode: 'outline' });
    expect(row.text).toBe('1: PASS a\n2: PASS a\n3: PASS a [47 more like it]\n');
  });
});
