import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { sanitize } from '../../../core/sanitize.ts';
import { maxPageBytes, runContracts } from '../../../schemas/tools.ts';
import type { HandleWriter } from '../../../servers/worker/output/handle-store.ts';
import { createMemoryHandleStore } from '../../../servers/worker/output/memory-handle-store.ts';
import { readPage } from '../../../servers/worker/output/read-page.ts';
import { defaults, lineStarts } from '../../suites/handle-store.suite.ts';

const { input, output } = runContracts.read_handle;
type Page = z.output<typeof output>;
const allOfIt = 'That is all of it.';

function handleOf(content: Uint8Array | string) {
  const store = createMemoryHandleStore();
  const writer = store.create(defaults);
  writer.append(Buffer.from(content));
  const read = async (ask: Omit<z.input<typeof input>, 'handle_id'>): Promise<Page> => {
    const page = await readPage(store, input.parse({ handle_id: writer.handle_id, ...ask }));
    expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThanOrEqual(maxPageBytes);
    return output.parse(page);
  };
  return { store, writer, read };
}

async function sealed(content: Uint8Array | string) {
  const handle = handleOf(content);
  await handle.writer.seal({ truncated: false });
  return handle;
}

function nextInput(writer: HandleWriter, next: string) {
  const { handle_id: id, ...ask } = input.parse(JSON.parse(/^read_handle (\{.*\})$/.exec(next)?.[1] ?? ''));
  expect(id).toBe(writer.handle_id);
  return ask;
}

/** Reads on by `next` until there is no more. */
async function readAll(
  handle: Awaited<ReturnType<typeof sealed>>,
  ask: Omit<z.input<typeof input>, 'handle_id'>,
) {
  const pages: Page[] = [];
  let page = await handle.read(ask);
  for (;;) {
    pages.push(page);
    if (page.next === allOfIt) return pages;
    const follow = nextInput(handle.writer, page.next);
    page = await handle.read(follow);
    expect(page.from_byte).toBe(pages.at(-1)?.to_byte);
    expect(page.to_byte).toBeGreaterThan(page.from_byte);
  }
}

const line = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 80 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 90_000 }).map((length) => '"x\\'.repeat(length / 3)) },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 30_000 }).map((length) => '日'.repeat(length)) },
);
const content = fc.oneof(
  fc.tuple(fc.array(line, { maxLength: 8 }), fc.integer({ min: 1, max: 400 })).map(([lines, times]) => {
    return Buffer.from(`${lines.join('\n')}\n`.repeat(times)).subarray(0, 300_000);
  }),
  fc.uint8Array({ maxLength: 100_000, minLength: 20_000 }).map((bytes) => Buffer.from(bytes)),
);

describe('readPage', () => {
  it('reassembles the exact bytes by base64, whatever the content and the page size', async () => {
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.option(fc.integer({ min: 1000, max: 50_000 }), { nil: undefined }),
        async (bytes, count) => {
          const handle = await sealed(bytes);
          const pages = await readAll(handle, { mode: 'bytes', from: 0, encoding: 'base64', count });
          expect(Buffer.concat(pages.map((page) => Buffer.from(page.text, 'base64'))).equals(bytes)).toBe(
            true,
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('reads every byte once by lines, with the text of those very bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.option(fc.integer({ min: 50, max: 5000 }), { nil: undefined }),
        async (bytes, count) => {
          const handle = await sealed(bytes);
          const starts = lineStarts(bytes);
          for (const page of await readAll(handle, { mode: 'lines', from: 1, count })) {
            expect(page.text).toBe(sanitize(bytes.toString('utf8', page.from_byte, page.to_byte)));
            if (page.from_line === undefined) continue;
            expect(starts[page.from_line - 1]).toBe(page.from_byte);
            expect(page.to_line).toBe(starts.filter((start) => start < page.to_byte).length);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('answers head, lines and tail by line numbers', async () => {
    const handle = await sealed(Array.from({ length: 10 }, (_, at) => `line ${at + 1}\n`).join(''));
    expect(await handle.read({ count: 2 })).toMatchObject({
      text: 'line 1\nline 2\n',
      from_line: 1,
      to_line: 2,
    });
    expect(await handle.read({ mode: 'lines', from: 9, count: 5 })).toMatchObject({
      text: 'line 9\nline 10\n',
      from_line: 9,
      to_line: 10,
      next: allOfIt,
    });
    expect(await handle.read({ from: 10 })).toMatchObject({ text: 'line 10\n' });
    const tail = await handle.read({ mode: 'tail', count: 3 });
    expect(tail).toMatchObject({ text: 'line 8\nline 9\nline 10\n', from_line: 8, to_line: 10 });
    expect(nextInput(handle.writer, tail.next)).toEqual({ mode: 'lines', from: 5, count: 3 });
    expect(await handle.read({ mode: 'lines', from: 50 })).toMatchObject({ text: '', next: allOfIt });
    expect(await handle.read({ mode: 'tail', count: 10 })).toMatchObject({ from_line: 1, next: allOfIt });
  });

  it('goes on with what is left of a range, then with the next range of that size', async () => {
    const handle = await sealed('0123456789\n'.repeat(10_000));
    const first = await handle.read({ mode: 'lines', from: 1, count: 5000 });
    expect(first.to_line).toBeGreaterThan(2000);
    expect(nextInput(handle.writer, first.next)).toEqual({
      mode: 'lines',
      from: (first.to_line ?? 0) + 1,
      count: 5000 - (first.to_line ?? 0),
    });
    const small = await handle.read({ mode: 'lines', from: 1, count: 20 });
    expect(nextInput(handle.writer, small.next)).toEqual({ mode: 'lines', from: 21, count: 20 });
  });

  it('continues a line longer than a page by bytes', async () => {
    const handle = await sealed(`short\n${'x'.repeat(100_000)}\nend\n`);
    const page = await handle.read({ mode: 'lines', from: 2, count: 1 });
    expect(page).toMatchObject({ from_line: 2, to_line: 2, from_byte: 6 });
    expect(nextInput(handle.writer, page.next)).toEqual({
      mode: 'bytes',
      from: page.to_byte,
      count: 100_007 - page.to_byte,
    });
  });

  it('shows the end of a tail that is more than a page', async () => {
    const lines = Array.from({ length: 20_000 }, (_, at) => `line ${at + 1}\n`).join('');
    const handle = await sealed(lines);
    const page = await handle.read({ mode: 'tail', count: 15_000 });
    expect(page.to_byte).toBe(lines.length);
    expect(page.to_line).toBe(20_000);
    expect(page.text.startsWith(`line ${page.from_line}\n`)).toBe(true);
    expect(page.text.length).toBeGreaterThan(25_000);
    const long = await sealed('é'.repeat(50_000));
    expect(await long.read({ mode: 'tail', count: 1 })).toMatchObject({
      to_byte: 100_000,
      from_line: 1,
      to_line: 1,
    });
  });

  it('fills a page, whatever the escapes cost', async () => {
    for (const piece of ['a', '"', '\\', '\u0001', '日', '😀', '\u202e', '\ufffd', '\n']) {
      const handle = await sealed(piece.repeat(100_000));
      const page = await handle.read({ mode: 'bytes', from: 0 });
      expect(Buffer.byteLength(JSON.stringify(page)), JSON.stringify(piece)).toBeGreaterThan(
        maxPageBytes * 0.9,
      );
    }
  });

  it('reads a growing handle on from where the last page ended', async () => {
    const { writer, read } = handleOf('one\ntw');
    const first = await read({});
    expect(first).toMatchObject({ text: 'one\ntw', sealed: false, lines: 2 });
    const waiting = await read(nextInput(writer, first.next));
    expect(waiting).toMatchObject({ text: '', from_byte: 6, to_byte: 6 });
    writer.append(Buffer.concat([Buffer.from('o\n'), Buffer.from('é').subarray(0, 1)]));
    const second = await read(nextInput(writer, waiting.next));
    expect(second).toMatchObject({ text: 'o\n', to_byte: 8 });
    const half = await read(nextInput(writer, second.next));
    expect(half).toMatchObject({ text: '', to_byte: 8 });
    writer.append(Buffer.from('é').subarray(1));
    await writer.seal({ truncated: false });
    expect(await read(nextInput(writer, half.next))).toMatchObject({
      text: 'é',
      sealed: true,
      next: allOfIt,
    });
  });

  it('never cuts a character in two, and gets on all the same', async () => {
    const handle = await sealed('日本語');
    const pages = await readAll(handle, { mode: 'bytes', from: 0, count: 1 });
    expect(pages.map((page) => page.text).join('')).toBe('日本語');
  });

  it('refuses what means nothing', async () => {
    const handle = await sealed('x');
    await expect(handle.read({ mode: 'tail', from: 3 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(readPage(handle.store, { handle_id: 'hdl_V1StGXR8Z5jdHi6BmyT99' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});
