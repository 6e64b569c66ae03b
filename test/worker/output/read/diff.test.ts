import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryHandleStore } from '../../../../servers/worker/output/memory-handle-store.ts';
import { readOn, sealed, type Answer } from './support.ts';

async function compared(
  before: string,
  after: string,
  ask: { context?: number; count?: number } = {},
): Promise<Answer[]> {
  const store = createMemoryHandleStore();
  const newer = await sealed(after, store);
  const older = await sealed(before, store);
  return readOn(older, { mode: 'diff', other: newer.writer.handle_id, ...ask });
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** The newer text, made of the older one and what a comparison says. */
function patched(before: string, answers: readonly Answer[]): string[] {
  const lines: (string | undefined)[] = linesOf(before);
  const added = new Map<number, string>();
  for (const line of answers.flatMap(({ text }) => text.split('\n'))) {
    const [, mark, number, text = ''] = /^([-+])(\d+): (.*)$/.exec(line) ?? [];
    if (mark === '-') lines[Number(number) - 1] = undefined;
    if (mark === '+') added.set(Number(number), text);
  }
  const kept = lines.filter((line) => line !== undefined);
  const result: string[] = [];
  for (let next = 1; kept.length > 0 || added.has(next); next += 1)
    result.push(added.get(next) ?? kept.shift() ?? '');
  return result;
}

const line = fc.constantFrom('alpha', 'beta', 'gamma', 'delta', 'epsilon');

describe('diff', () => {
  it('says exactly what changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 40 }),
        fc.array(line, { maxLength: 40 }),
        fc.nat(3),
        async (a, b, context) => {
          const [before, after] = [a.map((one) => `${one}\n`).join(''), b.map((one) => `${one}\n`).join('')];
          const answers = await compared(before, after, { context });
          expect(patched(before, answers)).toEqual(b);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('compares what is larger than a window, by pages', async () => {
    const lines = Array.from({ length: 120_000 }, (_, at) => `this is line number ${at}`);
    const changed = lines.flatMap((one, at) =>
      at % 10_007 === 5 ? [] : at % 15_013 === 7 ? [one, `new after ${at}`] : [one],
    );
    const answers = await compared(`${lines.join('\n')}\n`, `${changed.join('\n')}\n`, { context: 1 });
    expect(patched(`${lines.join('\n')}\n`, answers)).toEqual(changed);
    const all = answers.map(({ text }) => text).join('');
    expect(all).toContain(
      '@@ -6 +6 @@\n 5: this is line number 4\n-6: this is line number 5\n 7: this is line number 6\n',
    );
  });

  it('goes on by cursor, and shortens a change that fills a page', async () => {
    const [before, after] = ['a', 'b'].map((mark) =>
      Array.from({ length: 3000 }, (_, at) =>
        at % 2 === 0 ? `same ${at}\n` : `${mark} ${at} ${'"'.repeat(100)}\n`,
      ).join(''),
    );
    const answers = await compared(before ?? '', after ?? '');
    expect(answers.length).toBeGreaterThan(20);
    expect(patched(before ?? '', answers)).toEqual(linesOf(after ?? ''));
    const [first] = await compared('x\n'.repeat(5000), 'y\n'.repeat(5000));
    expect(first?.text).toMatch(/-… 3960 more, from line 41\n/);
    expect(first).toMatchObject({ hits: 10_000 });
    expect(first?.cursor).toBeUndefined();
  });

  it('says that nothing changed, and takes lines and bytes of any kind', async () => {
    expect(await compared('same\n', 'same\n')).toMatchObject([
      { text: '', hits: 0, next: expect.stringContaining('the same') },
    ]);
    expect(await compared('', '')).toMatchObject([{ text: '', hits: 0 }]);
    const [answer] = await compared('a\r\n\xff\0\n', `a\r\n${'z'.repeat(3_000_000)}`);
    expect(answer?.text.length).toBeLessThan(5_000);
  });

  it('knows only handles of its store', async () => {
    const handle = await sealed('x');
    await expect(handle.read({ mode: 'diff', other: 'hdl_V1StGXR8Z5jdHi6BmyT99' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(handle.read({ mode: 'diff' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(handle.read({ other: handle.writer.handle_id, cursor: '1.2' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});
