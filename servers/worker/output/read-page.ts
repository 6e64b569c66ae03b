import { characterEnd, cutPage, lastPageStart, type PageCut, type PageEncoding } from '../../../core/page.ts';
import { FleetError } from '../../../core/errors.ts';
import { isPageMode, readMode, type PageMode } from '../../../core/read-fields.ts';
import type { Input, Output } from '../../../mcp/handlers.ts';
import type { HandleRecord } from '../../../schemas/handle.ts';
import { maxDetailBytes, maxPageBytes, maxWaitMs, type WorkerContracts } from '../../../schemas/tools.ts';
import type { HandleReader } from './handle-store.ts';

type ReadHandle = WorkerContracts['read_handle'];

/** What every field of the reply but the text takes at most. */
const reservedBytes = 1024;
/** Longest UTF-8 character less one: bytes read beyond a range to see whether it ends within a character. */
const characterTail = 3;
const defaultTailLines = 100;

/** The stretch of content a request asks for, and the line it begins with where that is known. */
interface Range {
  mode: PageMode;
  from: number;
  to: number;
  fromLine: number | undefined;
  /** Lines or bytes asked for. */
  count: number | undefined;
  /** Bytes of JSON the text may take. */
  budget: number;
}

/**
 * One page of a handle, growing or sealed; at most maxPageBytes of JSON. `next` is the call that
 * reads on. INVALID_INPUT for `from` with head or tail; NOT_FOUND for an unknown handle.
 */
export async function readPage(store: HandleReader, input: Input<ReadHandle>): Promise<Output<ReadHandle>> {
  const record = store.stat(input.handle_id);
  const runId = store.runOf(input.handle_id);
  if (record === undefined || runId === undefined)
    throw new FleetError('NOT_FOUND', 'There is no such handle.');
  const encoding = input.encoding ?? 'utf8';
  const range = await rangeOf(store, record, input);
  const page =
    range.mode === 'tail'
      ? await lastPage(store, record, range, encoding)
      : await firstPage(store, record, range, encoding);
  const { from, cut, fromLine } = page;
  const to = from + cut.bytes;
  return {
    handle_id: record.handle_id,
    run_id: runId,
    stream: record.stream,
    text: cut.text,
    encoding,
    from_byte: from,
    to_byte: to,
    ...(fromLine === undefined || cut.bytes === 0
      ? {}
      : { from_line: fromLine, to_line: fromLine + cut.newlines - (cut.atLineEnd ? 1 : 0) }),
    bytes: record.bytes,
    lines: record.lines,
    sealed: record.state === 'sealed',
    truncated: record.truncated,
    ...(record.sha256 === undefined ? {} : { sha256: record.sha256 }),
    next: nextCall(record, range, { from, fromLine, cut }, encoding),
  };
}

async function rangeOf(store: HandleReader, record: HandleRecord, input: Input<ReadHandle>): Promise<Range> {
  const mode = readMode(input);
  if (!isPageMode(mode)) throw new FleetError('INVALID_INPUT', `Mode ${mode} answers no page.`);
  const { count } = input;
  const budget = (input.detail === true ? maxDetailBytes : maxPageBytes) - reservedBytes;
  if (input.from !== undefined && (mode === 'head' || mode === 'tail')) {
    throw new FleetError('INVALID_INPUT', `"from" has no meaning with mode ${mode}.`, {
      next: 'Use mode lines (from 1) or bytes (from 0), or leave "from" out.',
    });
  }
  if (mode === 'bytes') {
    const from = Math.min(input.from ?? 0, record.bytes);
    const to = count === undefined ? record.bytes : Math.min(from + count, record.bytes);
    return { mode, from, to, fromLine: from === 0 ? 1 : undefined, count, budget };
  }
  const lines = count ?? (mode === 'tail' ? defaultTailLines : undefined);
  const first = mode === 'tail' ? Math.max(1, record.lines - (lines ?? 0) + 1) : Math.max(1, input.from ?? 1);
  const offset = (line: number) => lineStart(store, record, line);
  const to = lines === undefined || mode === 'tail' ? record.bytes : await offset(first + lines);
  return { mode, from: await offset(first), to, fromLine: first, count: lines, budget };
}

/** Lines may have been added since the record was taken: the page shows the state of the record. */
async function lineStart(store: HandleReader, record: HandleRecord, line: number): Promise<number> {
  if (line > record.lines) return record.bytes;
  return Math.min(await store.lineOffset(record.handle_id, line), record.bytes);
}

interface Page {
  from: number;
  fromLine: number | undefined;
  cut: PageCut;
}

async function firstPage(
  store: HandleReader,
  record: HandleRecord,
  range: Range,
  encoding: PageEncoding,
): Promise<Page> {
  const wanted = Math.min(range.to - range.from, range.budget);
  const available = Math.min(wanted + characterTail, record.bytes - range.from);
  const read = await store.read(record.handle_id, range.from, available);
  const content = read.subarray(0, wanted);
  const sealedEnd = range.from + content.length >= record.bytes && record.state === 'sealed';
  const begun = encoding === 'utf8' && !sealedEnd && characterEnd(content, content.length) === 0;
  const cut = cutPage(begun ? firstCharacter(read) : content, {
    encoding,
    budget: range.budget,
    more: content.length < range.to - range.from,
    complete: sealedEnd,
  });
  return { from: range.from, fromLine: range.fromLine, cut };
}

/** The one character a range ends within, to its end: so that every page gets on. */
function firstCharacter(bytes: Buffer): Buffer {
  for (let length = 1; length < bytes.length; length += 1) {
    const first = bytes.subarray(0, length);
    if (characterEnd(first, length) === length) return first;
  }
  return bytes;
}

/** As much of the range's end as one page holds. */
async function lastPage(
  store: HandleReader,
  record: HandleRecord,
  range: Range,
  encoding: PageEncoding,
): Promise<Page> {
  const readFrom = Math.max(range.from, range.to - range.budget);
  const read = await store.read(record.handle_id, readFrom, range.to - readFrom);
  // The first line read may be the end of one: it counts as a line only where the range begins.
  const content = readFrom > range.from ? read.subarray(lineOrCharacterStart(read)) : read;
  const start = lastPageStart(content, { encoding, budget: range.budget });
  const cut = cutPage(content.subarray(start), {
    encoding,
    budget: range.budget,
    more: false,
    complete: record.state === 'sealed',
  });
  const from = range.to - content.length + start;
  return { from, fromLine: record.lines - cut.newlines + (cut.atLineEnd ? 1 : 0), cut };
}

function lineOrCharacterStart(bytes: Buffer): number {
  const newline = bytes.indexOf(10);
  return newline === -1 || newline === bytes.length - 1 ? 0 : newline + 1;
}

/** The exact call that reads on, or that nothing is left. */
function nextCall(record: HandleRecord, range: Range, page: Page, encoding: PageEncoding): string {
  const call = (mode: PageMode, from: number, count: number | undefined, waitMs?: number) => {
    const input = {
      handle_id: record.handle_id,
      mode,
      from,
      count,
      encoding: encoding === 'utf8' ? undefined : encoding,
      wait_ms: waitMs,
    };
    return `read_handle ${JSON.stringify(input)}`;
  };
  const to = page.from + page.cut.bytes;
  if (range.mode === 'tail' && record.state === 'sealed') return beforeTail(range, page, call);
  if (to >= record.bytes)
    return record.state === 'sealed' ? allOfIt : call('bytes', to, undefined, maxWaitMs);
  const left = range.to - to;
  const nextLine =
    page.cut.atLineEnd && page.fromLine !== undefined ? page.fromLine + page.cut.newlines : undefined;
  if (range.mode === 'bytes' || range.mode === 'tail' || nextLine === undefined) {
    const count = left > 0 ? left : range.count;
    return call('bytes', to, range.count === undefined ? undefined : count);
  }
  const linesLeft = range.count === undefined ? undefined : range.count - page.cut.newlines;
  return call('lines', nextLine, left > 0 ? linesLeft : range.count);
}

/** After a tail: what it left out of its own lines, else the lines before them. */
function beforeTail(
  range: Range,
  page: Page,
  call: (mode: PageMode, from: number, count: number) => string,
): string {
  if (page.from > range.from) return call('bytes', range.from, page.from - range.from);
  const before = (range.fromLine ?? 1) - 1;
  if (before === 0) return allOfIt;
  const count = Math.min(before, range.count ?? defaultTailLines);
  return call('lines', before - count + 1, count);
}

const allOfIt = 'That is all of it.';
