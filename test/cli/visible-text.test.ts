import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createVisibleText } from '../../cli/visible-text.ts';
import { sanitize } from '../../core/sanitize.ts';
import { escapeHidden } from '../../core/visible-json.ts';

const pieces = [
  '\u001b',
  '[',
  '2J',
  ']0;x',
  '\u0007',
  '\u009b',
  '\u202e',
  '\u200b',
  '\u{e0041}',
  '\r',
  '\n',
  'é😀',
  'a',
];
const hostile = fc.string({ unit: fc.constantFrom(...pieces), maxLength: 60 });

describe('output of a run on a terminal', () => {
  it('is the visible text of it, however its bytes come', () => {
    fc.assert(
      fc.property(hostile, fc.array(fc.integer({ min: 0, max: 200 })), (text, cuts) => {
        const bytes = Buffer.from(text);
        const visible = createVisibleText();
        const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
        const shown = ends.map((end, at) => visible.push(bytes.subarray(ends[at - 1] ?? 0, end)));
        expect(shown.join('') + visible.end()).toBe(sanitize(text));
      }),
    );
  });

  it('obeys nothing, and holds little, where it has no line ends', () => {
    const visible = createVisibleText();
    const chunk = Buffer.from('x\u001b[2J'.repeat(10_000));
    const shown = [visible.push(chunk), visible.push(chunk), visible.push(chunk)];
    expect(shown.join('').length).toBeGreaterThanOrEqual(20_000);
    expect([...shown, visible.end()].join('')).not.toContain('\u001b');
  });
});

it('JSON stays the same, and shows all of what it holds', () => {
  fc.assert(
    fc.property(fc.dictionary(hostile, hostile), (value) => {
      const json = escapeHidden(JSON.stringify(value, undefined, 2));
      expect(sanitize(json)).toBe(json);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

it('what is printed and logged is visible text', () => {
  const built = (name: string): string => pathToFileURL(join(import.meta.dirname, '../../dist', name)).href;
  const program = `
    const { print, printJson } = await import('${built('cli/output.js')}');
    const { report } = await import('${built('cli/report.js')}');
    const { createLogger } = await import('${built('platform/log.js')}');
    const text = ${JSON.stringify(`${pieces.join('')}end`)};
    print(text);
    printJson({ text });
    report(new Error(text), true);
    createLogger({ name: text }).warn({ err: new Error(text) }, text);
    createLogger({ name: 'guarded', guard: { load: async () => (line) => line } }).warn({ said: text }, 'x');
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  for (const written of [stdout, stderr]) {
    expect(sanitize(written)).toBe(written);
    expect(written.match(/end/g)?.length).toBeGreaterThanOrEqual(3);
  }
});
