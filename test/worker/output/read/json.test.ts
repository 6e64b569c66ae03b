import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilter } from '../../../../core/json-filter.ts';
import { resolvePointer } from '../../../../core/json-pointer.ts';
import { growing, readOn, sealed, type Answer } from './support.ts';

const recordsOf = (answers: readonly Answer[]): unknown[] =>
  answers.flatMap(({ text }) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line): unknown => JSON.parse(line)),
  );

const value = fc.oneof(
  fc.integer(),
  fc.string({ maxLength: 8, unit: 'binary' }),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.integer(), { maxLength: 3 }),
  fc.constant({ deep: { er: 'yes' } }),
);
const record = fc.record(
  {
    level: fc.constantFrom('error', 'info', 'warn'),
    n: fc.integer({ min: 0, max: 9 }),
    'a/b': value,
    msg: fc.string({ maxLength: 20, unit: 'binary' }),
  },
  { requiredKeys: ['level'] },
);

/** The same by plain means. */
function reference(
  records: readonly Record<string, unknown>[],
  filter: 'level' | 'n' | undefined,
): unknown[] {
  return records
    .filter(
      (one) => filter === undefined || (filter === 'level' ? one['level'] === 'error' : Number(one['n']) > 4),
    )
    .map((one) =>
      Object.fromEntries(
        [
          ['/level', one['level']],
          ['/a~1b', one['a/b']],
          ['msg', one['msg']],
        ].filter(([, found]) => found !== undefined),
      ),
    );
}

const asked = { level: '/level=error', n: '/n>4' };

describe('json', () => {
  it('filters and projects JSON Lines and arrays as a reference does, by pages of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 40 }),
        fc.constantFrom('lines', 'array', 'within', 'pretty'),
        fc.constantFrom('level', 'n', undefined),
        fc.integer({ min: 1, max: 15 }),
        async (records, form, filter, count) => {
          const content =
            form === 'lines'
              ? records.map((one) => `${JSON.stringify(one)}\nplain text\n`).join('')
              : form === 'within'
                ? JSON.stringify({ before: { x: '}"]' }, results: { list: records }, after: 1 })
                : JSON.stringify(records, undefined, form === 'pretty' ? 2 : 0);
          const handle = await sealed(content);
          const ask = {
            mode: 'json' as const,
            fields: ['/level', '/a~1b', 'msg'],
            count,
            ...(form === 'within' ? { pointer: '/results/list' } : {}),
            ...(filter === undefined ? {} : { pattern: asked[filter] }),
          };
          expect(recordsOf(await readOn(handle, ask))).toEqual(reference(records, filter));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('leads to any value of one document', async () => {
    const handle = await sealed(
      JSON.stringify({ a: [{ b: 'x' }, { b: { c: [1, 2] } }], 'k/y': { '~': 7 }, '': 0 }),
    );
    expect(recordsOf([await handle.read({ pointer: '/a/1/b' })])).toEqual([{ c: [1, 2] }]);
    expect(recordsOf([await handle.read({ pointer: '/k~1y/~0' })])).toEqual([7]);
    expect(recordsOf([await handle.read({ pointer: '/a/1/b/c' })])).toEqual([1, 2]);
    for (const pointer of ['/nothing', '/a/9', '/a/01', '/a/-', '/__proto__', '/a/b']) {
      const answer = await handle.read({ pointer });
      expect(answer, pointer).toMatchObject({
        text: '',
        hits: 0,
        next: expect.stringContaining('Nothing stands'),
      });
    }
  });

  it('names what is too large to be shown, with its keys, and still gives its fields', async () => {
    const large = { name: 'big', list: Array.from({ length: 200_000 }, (_, at) => at), more: { x: 1 } };
    const handle = await sealed(JSON.stringify(large));
    const [clipped] = recordsOf([await handle.read({ mode: 'json' })]);
    expect(clipped).toMatchObject({
      $clipped: { byte: 0, keys: { name: 'value, 5 bytes', more: 'value, 7 bytes' } },
    });
    expect(recordsOf([await handle.read({ fields: ['name', '/more/x'] })])).toEqual([
      { name: 'big', '/more/x': 1 },
    ]);
    expect(recordsOf([await handle.read({ pointer: '/list', count: 3 })])).toEqual([0, 1, 2]);
  });

  it('escapes what would hide in a page', async () => {
    const handle = await sealed(`${JSON.stringify({ a: 'x\u202e\u200b\x9b\x7f' })}\n{"a":2}\n`);
    const { text } = await handle.read({ mode: 'json' });
    expect(text).toBe('{"a":"x\\u202e\\u200b\\u009b\\u007f"}\n{"a":2}\n');
  });

  it('reads a growing handle on, and waits for a record', async () => {
    const handle = growing('{"n":1}\n{"n":');
    const first = await handle.read({ mode: 'json' });
    expect(recordsOf([first])).toEqual([{ n: 1 }]);
    const waiting = handle.read({ mode: 'json', pattern: 'n>2', cursor: first.cursor, wait_ms: 10_000 });
    handle.writer.append(Buffer.from('2}\n'));
    handle.writer.append(Buffer.from('{"n":3}\n'));
    expect(recordsOf([await waiting])).toEqual([{ n: 3 }]);
  });

  it('says what is no JSON, and takes a text cut off as far as it goes', async () => {
    expect(await (await sealed('just text\n')).read({ mode: 'json' })).toMatchObject({ text: '', hits: 0 });
    expect(await (await sealed('')).read({ mode: 'json' })).toMatchObject({ text: '', hits: 0 });
    const cut = await sealed('[{"a":1},{"a":2},{"a":');
    const answer = await cut.read({ mode: 'json' });
    expect(recordsOf([answer])).toEqual([{ a: 1 }, { a: 2 }]);
    expect(answer.next).toContain('ends within');
    await expect((await sealed('{"a" 1}')).read({ pointer: '/a' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  it('compares values of a kind', () => {
    const accepts = (text: string): boolean => {
      const filter = parseFilter(text);
      return filter.accepts(resolvePointer(record, filter.keys));
    };
    const record = { s: 'b', n: 5, t: true, z: null, o: {} };
    const matches = [
      's=b',
      '/s!=a',
      's>a',
      's<=b',
      'n=5',
      'n=5.0',
      'n<6',
      't=true',
      'z=null',
      's*=b',
      'n',
      'o',
      'n!=4',
    ];
    const fails = [
      's=B',
      'n=b',
      'n=',
      's<b',
      'o={}',
      'x',
      'x=1',
      'x!=1',
      'n*=5',
      't>0',
      'toString',
      's/length',
    ];
    expect(matches.filter((filter) => !accepts(filter))).toEqual([]);
    expect(fails.filter(accepts)).toEqual([]);
    expect(() => parseFilter('=5')).toThrow('no filter');
  });
});
