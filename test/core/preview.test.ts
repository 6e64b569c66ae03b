import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recallOf } from '../../scripts/bench/tokens/recall.ts';
import { testRuns } from '../../scripts/bench/tokens/test-runs.ts';
import {
  createPreviewSampler,
  estimateTokens,
  fitPreview,
  renderPreview,
  shrinkPreview,
  type PreviewStream,
} from '../../core/preview.ts';

function sampled(bytes: Uint8Array, sizes: readonly number[] = [65_536]) {
  const sampler = createPreviewSampler();
  let at = 0;
  for (let piece = 0; at < bytes.length; piece += 1) {
    const size = Math.max(1, sizes[piece % sizes.length] ?? 1);
    sampler.push(bytes.subarray(at, at + size));
    at += size;
  }
  return sampler.sample();
}

function streamOf(content: string | Uint8Array, stream = 'stdout', stage = 'build'): PreviewStream {
  const bytes = Buffer.from(content);
  const lines =
    bytes.filter((byte) => byte === 10).length + (bytes.length > 0 && bytes.at(-1) !== 10 ? 1 : 0);
  return { stream, stage, sample: sampled(bytes), bytes: bytes.length, lines };
}

const preview = (content: string | Uint8Array, tokens = 700) => renderPreview([streamOf(content)], tokens);

const infoLine = (at: number) =>
  `2026-11-22T17:${at % 60}:0${at % 10}.123Z worker-${at % 7} INFO handled request id=${(at * 7919).toString(16)} path=/api/v1/items/${at} status=200 dur=${at % 300}ms`;

const planted = [
  "src/app.ts(14,3): error TS2322: Type 'string' is not assignable to type 'number'.",
  ' FAIL  test/login.test.ts > login > rejects a bad password',
  'AssertionError: expected 401 to be 200 // Object.is equality',
  'Traceback (most recent call last):',
  "thread 'main' panicked at src/main.rs:10:5: index out of bounds",
  "fatal: unable to access 'https://example.invalid/': Could not resolve host",
  'Segmentation fault (core dumped)',
  'npm ERR! code ELIFECYCLE',
];

function bigLog(bytes: number, noise: (at: number) => string = infoLine): string {
  const lines: string[] = [];
  for (let at = 0, size = 0; size < bytes; at += 1) {
    const line = noise(at);
    lines.push(line);
    size += line.length + 1;
  }
  planted.forEach((line, at) => {
    lines[Math.floor(lines.length * (0.02 + 0.13 * at))] = line;
  });
  return `${lines.join('\n')}\n`;
}

describe('renderPreview', () => {
  it('shows a small output whole, every line numbered', () => {
    expect(preview('ok\ndone\n')).toBe('stdout (2 lines)\n1: ok\n2: done');
    expect(preview('no newline')).toBe('stdout (1 line)\n1: no newline');
    expect(preview('')).toBe('stdout (0 lines)');
    expect(renderPreview([], 700)).toBe('');
  });

  it.each([
    ['quiet noise', infoLine],
    ['noise that speaks of errors', (at: number) => `${infoLine(at)} 0 errors`],
    [
      'repeated errors of one shape',
      (at: number) => (at % 3 === 0 ? `ERROR retry ${at} of request ${at * 7} failed` : infoLine(at)),
    ],
  ])('finds 8 of 8 errors planted in 10 MB at 700 tokens: %s', { timeout: 30_000 }, (_, noise) => {
    const text = preview(bigLog(10_000_000, noise));
    for (const line of planted) expect(text).toContain(line.trim().slice(0, 60));
    expect(estimateTokens(text)).toBeLessThanOrEqual(700);
    expect(countTokens(text)).toBeLessThanOrEqual(735);
  });

  it('keeps them when a larger preview is shrunk', () => {
    const large = preview(bigLog(2_000_000), 2000);
    expect(estimateTokens(large)).toBeLessThanOrEqual(2000);
    const small = shrinkPreview(large, 700);
    expect(estimateTokens(small)).toBeLessThanOrEqual(700);
    for (const line of planted) expect(small).toContain(line.trim().slice(0, 60));
    expect(shrinkPreview(large, 2000)).toBe(large);
  });

  it('names every failing test with its assertion, and where it was', () => {
    const lines: string[] = [];
    for (let at = 0; at < 2400; at += 1)
      lines.push(
        ` ✓ test/suite-${at % 40}.test.ts > group ${at % 9} > case ${at} does its work ${at % 13}ms`,
      );
    for (let at = 0; at < 12; at += 1) {
      lines.push('', ` FAIL  test/suite-${at}.test.ts > group ${at} > case ${at * 200} does its work`);
      lines.push(
        `AssertionError: expected ${at} to be ${at + 1} // Object.is equality`,
        '',
        '- Expected',
        '+ Received',
        '',
        `- ${at + 1}`,
        `+ ${at}`,
        '',
      );
      lines.push(` ❯ test/suite-${at}.test.ts:${at + 10}:15`, `     ${at + 9}|   expect(x).toBe(y)`);
    }
    lines.push(' Test Files  12 failed | 28 passed (40)', '      Tests  12 failed | 2388 passed (2400)');
    const text = preview(`${lines.join('\n')}\n`, 2000);
    for (let at = 0; at < 12; at += 1) {
      expect(text).toContain(`FAIL  test/suite-${at}.test.ts > group ${at} > case ${at * 200}`);
      expect(text).toContain(`AssertionError: expected ${at} to be ${at + 1} `);
      expect(text).toContain(`❯ test/suite-${at}.test.ts:${at + 10}:15`);
    }
    expect(text).toContain('2388 passed');
  });

  it.each(testRuns())('names all failing tests of $name, what they said, and where', (output) => {
    const within = (tokens: number) => recallOf(output, renderPreview([streamOf(output.content)], tokens));
    const all = { seen: 12, of: 12 };
    expect(within(2_000)).toMatchObject({ failures: all, messages: all });
    expect(within(2_500)).toMatchObject({ locations: all });
  });

  it('gives a table of codes where every line is an error, which a smaller preview keeps', () => {
    const names = ['alpha', 'beta', 'gamma'];
    const line = (at: number) =>
      `src/${names[at % 3]}.ts(${at},9): error TS${at % 5 === 0 ? 2304 : 2322}: '${names[(at * 7) % 3]}' is wrong.`;
    const text = preview(Array.from({ length: 500 }, (_, at) => `${line(at + 1)}\n`).join(''), 2_000);
    expect(text.split('\n').slice(1, 3)).toEqual([
      "= TS2322 ×400, first 1: src/beta.ts(1,9): 'beta' is wrong.",
      "= TS2304 ×100, first 5: src/gamma.ts(5,9): 'gamma' is wrong.",
    ]);
    expect(shrinkPreview(text, 300).split('\n').slice(0, 3)).toEqual(text.split('\n').slice(0, 3));
  });

  it('gives the structure of JSON in one line', () => {
    const rows = Array.from({ length: 500 }, (_, id) => ({ id, name: `row ${id}` }));
    const text = preview(JSON.stringify({ rows }));
    expect(text).toContain(
      '\n= json: {rows: [500 × object]}\n= /rows/*: {id: number, name: string}\n1: {"rows"',
    );
  });

  it('lets nothing of an output pass for a note', () => {
    const text = preview(`= all is well\n${bigLog(20_000)}`);
    expect(text.split('\n').filter((line) => line.startsWith('= '))).toEqual([]);
    expect(text).toContain('\n1: = all is well\n');
  });

  it('gives line numbers that are those of the content', () => {
    const content = bigLog(300_000);
    const lines = content.split('\n');
    for (const shown of preview(content, 2000).split('\n').slice(1)) {
      const [, number = '', text = ''] = /^(\d+): (.*)$/.exec(shown) ?? [];
      expect(lines[Number(number) - 1]).toContain(text.replace(/…$/, '').trim());
    }
  });

  it('shares the budget between streams, and names stages where there are several', () => {
    const big = streamOf(bigLog(200_000));
    const text = renderPreview([big, streamOf('boom\n', 'stderr', 'test')], 700);
    expect(text).toContain('stdout of build (');
    expect(text.endsWith('stderr of test (1 line)\n1: boom')).toBe(true);
    expect(estimateTokens(text)).toBeGreaterThan(450);
  });

  it('stays within any budget, for any bytes, with none of them able to make a line of its own', () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 20_000, size: 'max' }),
      fc
        .string({
          unit: fc.constantFrom(
            '\x1b[31m',
            'stderr (1 line)',
            '\n',
            '\r',
            'error',
            '7: ',
            '\u2028',
            '日',
            ' ',
          ),
          maxLength: 3000,
          size: 'max',
        })
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(
        fc.array(content, { maxLength: 3 }),
        fc.integer({ min: 0, max: 2000 }),
        fc.integer({ min: 0, max: 700 }),
        (contents, tokens, fewer) => {
          const text = renderPreview(
            contents.map((bytes, at) => streamOf(bytes, ['stdout', 'stderr', 'last_message'][at])),
            tokens,
          );
          const shrunk = shrinkPreview(text, fewer);
          expect(estimateTokens(text)).toBeLessThanOrEqual(tokens);
          expect(estimateTokens(shrunk)).toBeLessThanOrEqual(fewer);
          for (const line of [...text.split('\n'), ...shrunk.split('\n')]) {
            if (line !== '')
              expect(line).toMatch(/^(?:\d+: |\d+:$|= |(?:stdout|stderr|last_message) \(\d+ lines?)/);
            expect(line).not.toMatch(/(?!\t)\p{Cc}|\p{Default_Ignorable_Code_Point}/u);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('lets no character through, of all there are, that hides or changes other text', () => {
    const hidden =
      /(?![\t\n])\p{Cc}|\p{Bidi_Control}|\p{Default_Ignorable_Code_Point}|[\u2028\u2029\ufff9-\ufffb]|\p{Surrogate}/u;
    // Streams of at most 4 KiB are shown whole, unclipped.
    for (let first = 0; first < 0x110000; first += 1000) {
      const codes = Array.from({ length: Math.min(1000, 0x110000 - first) }, (_, at) => first + at);
      const shown = preview(codes.map((code) => String.fromCodePoint(code)).join(''), 1e6);
      expect(shown).toMatch(/^stdout \(\d+ lines?\)\n/);
      expect(shown).not.toMatch(hidden);
    }
  });

  it('shows the last state of a line drawn over itself', () => {
    expect(preview('10%\r50%\r100%\ndone\r\n')).toBe('stdout (2 lines)\n1: 100%\n2: done');
  });
});

describe('fitPreview', () => {
  const lines = Array.from({ length: 60 }, (_, at) => infoLine(at).slice(0, 60));

  it('shows an output of 4 KB in full, though it needs more than the budget', () => {
    const text = fitPreview(preview(`${lines.join('\n')}\n`, 2_000), 700);
    for (const line of lines) expect(text).toContain(line);
    expect(estimateTokens(text)).toBeGreaterThan(700);
  });

  it('heeds a smaller budget that was asked for, and what is larger', () => {
    expect(estimateTokens(fitPreview(preview(`${lines.join('\n')}\n`, 2_000), 300))).toBeLessThanOrEqual(300);
    expect(estimateTokens(fitPreview(preview(bigLog(10_000), 2_000), 700))).toBeLessThanOrEqual(700);
  });
});

describe('createPreviewSampler', () => {
  it('keeps the same whatever the chunks', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'error: boom',
        '',
        'Error',
        'all is well',
        'see src/errors.ts',
        '  at src/a.ts:1:2',
        'not ok 1',
        '--- FAIL: TestIt (0.00s)',
        '    it_test.go:12: got 1, want 2',
        '    Expected: 1',
        'src/a.ts(1,2): error TS2322: no',
        'error[E0308]: mismatched types',
        '{"a":[1,{"b":"AssertionError: no"}]}',
      ),
      fc.integer({ min: 0, max: 9 }).map((n) => `error: attempt ${n} failed`),
      fc.integer({ min: 1010, max: 1030 }).map((n) => `${'x'.repeat(n)} error: far`),
      fc.string({ unit: fc.constantFrom('e', 'r', 'o', '日'), maxLength: 30 }),
    );
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 60, size: 'max' }),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 5 }),
        (lines, ends, sizes) => {
          const bytes = Buffer.from(lines.join('\n') + (ends ? '\n' : ''));
          expect(sampled(bytes, sizes)).toEqual(sampled(bytes, [bytes.length + 1]));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is not disturbed by a look at it', () => {
    const sampler = createPreviewSampler();
    const bytes = Buffer.from(bigLog(50_000));
    for (let at = 0; at < bytes.length; at += 777) {
      sampler.push(bytes.subarray(at, at + 777));
      sampler.sample();
    }
    expect(sampler.sample()).toEqual(sampled(bytes));
  });

  it('ends, and stays bounded, when every line is an error of its own', () => {
    const lines = Array.from(
      { length: 30_000 },
      (_, at) => `error: ${at.toString(26).replace(/\d/g, 'z')} went wrong\n  at file.ts:${at}`,
    );
    const sample = sampled(Buffer.from(lines.join('\n')));
    expect(sample.lines.length).toBeLessThan(600);
    expect(sample.lines.some((line) => line.text.includes('error: zz') || line.line === 1)).toBe(true);
  });

  it.each([1, 20, 60, 100, 1000, 3000])(
    'ends, and stays bounded, on %i shapes that come again and again',
    (shapes) => {
      let state = 1;
      const random = (below: number) => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return (state >>> 8) % below;
      };
      const name = () =>
        random(shapes)
          .toString(26)
          .replace(/\d/g, (digit) => 'klmnopqrst'[Number(digit)] ?? '');
      const kinds = [
        () => `error ${name()} happened`,
        () => `see ${name()}-error.ts`,
        () => `  at src/${name()}.ts:${random(99)}:1`,
        () => `plain line ${random(99)}`,
      ];
      const lines = Array.from({ length: 30_000 }, () => kinds[random(4)]?.() ?? '');
      expect(sampled(Buffer.from(lines.join('\n'))).lines.length).toBeLessThan(700);
    },
  );

  it('finds the error in a line far longer than a chunk, and in one without an end', () => {
    const long = preview(`start\nerror: ${'x'.repeat(500_000)}\n${infoLine(1)}\n`.repeat(3));
    expect(long).toContain('2: error: xxx');
    expect(preview(`error: ${'x'.repeat(100_000)}`)).toContain('1: error: xxx');
  });
});
