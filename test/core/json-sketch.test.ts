import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonSketch } from '../../core/json-sketch.ts';

function notesOf(text: string, sizes: readonly number[] = [65_536]): string[] {
  const sketch = new JsonSketch();
  const bytes = Buffer.from(text);
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const size = sizes[piece % sizes.length] ?? 1;
    sketch.push(bytes.subarray(at, at + size));
    at += size;
  }
  return sketch.notes();
}

const report = {
  total: 2400,
  ok: false,
  files: Array.from({ length: 40 }, (_, at) => ({
    name: `suite-${at}.ts`,
    status: at === 7 ? 'failed' : 'passed',
    tests: Array.from({ length: 1 + (at % 3) }, (__, test) => ({
      title: `case ${at}.${test}`,
      ms: test / 3,
    })),
    ...(at === 7 && { messages: ['AssertionError: expected 1 to be 2\n    at suite-7.ts:12:3'] }),
  })),
};

describe('JsonSketch', () => {
  it('tells keys, kinds, values there were few of, and lengths, each place by its pointer', () => {
    const notes = notesOf(JSON.stringify(report));
    expect(notes[0]).toBe('json: {total: 2400, ok: false, files: [40 × object]}');
    expect(notes).toContain(
      '/files/*: {name: string, status: "passed" ×39 | "failed" ×1, tests: [1…3 × object], messages?: [1 × string]}',
    );
    expect(notes).toContain('/files/*/tests/*: {title: string, ms: number}');
  });

  it('points at strings that speak of errors, by the name of their object', () => {
    expect(notesOf(JSON.stringify(report))).toContain(
      '/files/7/messages/0 of "suite-7.ts": AssertionError: expected 1 to be 2␊    at suite-7.ts:12:3',
    );
  });

  it('counts records one a line', () => {
    expect(notesOf('{"a":1}\n{"a":2}\n{"a":3}\n').slice(0, 2)).toEqual([
      '3 records, one a line',
      'json: {a: number}',
    ]);
  });

  it('counts on beyond what it looks at closely', () => {
    const rows = Array.from({ length: 60_000 }, (_, id) => ({ id, text: 'a, "b" ]}', nested: [1, [2, 3]] }));
    const [whole] = notesOf(JSON.stringify({ rows, end: [] }));
    expect(whole).toContain('rows: [60000 × object]');
    const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    expect(notesOf(lines)[0]).toBe('60000 records, one a line');
  });

  it('says that there is more where the text has not ended', () => {
    expect(notesOf('{"rows":[1,2,[3')[0]).toBe('json: {rows: [≥3 × number | [≥0]]}');
    expect(notesOf('[{"a":1},{"a":2},')[0]).toBe('json: [≥2 × object]');
    expect(notesOf('{"list":[1,2],"rows":[')[0]).toBe('json: {list: [2 × number], rows: [≥0]}');
  });

  it.each([
    '[INFO] starting\n',
    '{ foo: 1 }',
    '[1/5] Building\n',
    '] {"a":1}',
    'plain',
    '"text"',
    '12',
    '[]',
  ])('says nothing of %s', (text) => {
    expect(notesOf(text)).toEqual([]);
  });

  it('is the same whatever the chunks, for JSON and for what looks like it', () => {
    const value = fc.jsonValue({ maxDepth: 5 }).map((json) => JSON.stringify(json));
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      'true',
      'null',
      '12',
      '"error: it"',
      '\n',
    );
    const broken = fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join(''));
    const text = fc.oneof(
      value,
      fc.array(value, { maxLength: 5 }).map((lines) => lines.join('\n')),
      broken,
    );
    fc.assert(
      fc.property(
        text,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
        (json, sizes) => {
          const notes = notesOf(json, sizes);
          expect(notes).toEqual(notesOf(json));
          for (const note of notes) expect(note).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
        },
      ),
    );
  });

  it('stays bounded for any number of keys and any depth', () => {
    const wide = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, at) => [`key${at}`, { [`in${at}`]: at }]),
    );
    expect(notesOf(JSON.stringify(wide)).join('').length).toBeLessThan(10_000);
    expect(notesOf('['.repeat(100_000)).length).toBeLessThan(30);
    expect(notesOf(`${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`).length).toBeLessThan(30);
  });
});
