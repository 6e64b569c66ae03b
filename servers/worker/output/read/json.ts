import { FleetError } from '../../../../core/errors.ts';
import { parseFilter, pointerKeys } from '../../../../core/json-filter.ts';
import { JsonProblem } from '../../../../core/json-reader.ts';
import { parseJson } from '../../../../core/parse-json.ts';
import { chunkBytes, finishedEnd, type Content } from './content.ts';
import { readDocument, type Reached } from './json-document.ts';
import { readLines } from './json-lines.ts';
import { RecordPage } from './record-page.ts';
import { badCursor, callOn, textBudget, type Found, type ReadCall } from './request.ts';

/** Blanks after an opening bracket are fewer. */
const openingBytes = 1024;

/**
 * Records of JSON: the lines of JSON Lines (lines of other text are passed over), else the elements
 * of the array a pointer leads to in one document, else the value there. Filtered by `pattern`,
 * reduced to `fields`; a record too large to be shown is named by its bytes and keys.
 */
export async function json(call: ReadCall): Promise<Found> {
  const { input, content } = call;
  const page = new RecordPage({
    filter: input.pattern === undefined ? undefined : parseFilter(input.pattern),
    fields: input.fields,
    count: input.count,
    budget: textBudget(call),
  });
  const keys = pointerKeys(input.pointer ?? '');
  const from = await startOf(call);
  const reached =
    from.in === 'lines'
      ? await readLines(call, { from: from.offset, to: await finishedEnd(content), keys }, page)
      : await inDocument(call, from.cursorOffset, keys, page);
  const { end, more } = reached;
  const isGrowing = content.record.state === 'open' && from.in === 'lines';
  const next = page.clipped === undefined ? reached.next : partOf(call, page.clipped);
  return {
    text: page.text,
    from: from.offset,
    to: end,
    hits: page.records,
    ...(more || isGrowing ? { cursor: `${from.in === 'lines' ? 'l' : 'e'}${String(end)}` } : {}),
    ...(next === undefined ? {} : { next }),
  };
}

async function inDocument(
  call: ReadCall,
  cursorOffset: number | undefined,
  keys: readonly string[],
  page: RecordPage,
): Promise<Reached> {
  try {
    return await readDocument(call, { cursorOffset, keys }, page);
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    throw new FleetError('INVALID_INPUT', 'This content is no JSON that can be read.', {
      next: callOn(call.input, { mode: 'head', count: 20 }),
      cause: error,
    });
  }
}

function partOf({ input }: ReadCall, { offset, length }: { offset: number; length: number }): string {
  return callOn(input, { mode: 'bytes', from: offset, count: Math.max(1, Math.min(length, 1_000_000)) });
}

interface Start {
  in: 'lines' | 'document';
  offset: number;
  cursorOffset: number | undefined;
}

async function startOf({ input, content }: ReadCall): Promise<Start> {
  if (input.cursor === undefined) {
    return { in: (await isDocument(content)) ? 'document' : 'lines', offset: 0, cursorOffset: undefined };
  }
  const [, kind, digits] = /^([el])(\d{1,15})$/.exec(input.cursor) ?? [];
  if (digits === undefined) throw badCursor();
  const offset = Math.min(Number(digits), content.size);
  return { in: kind === 'e' ? 'document' : 'lines', offset, cursorOffset: offset };
}

/** One value over many lines or alone on one, and not a line of JSON followed by others. */
async function isDocument(content: Content): Promise<boolean> {
  if (content.record.stream === 'events' || content.record.media_type === 'application/jsonl') return false;
  const bytes = await content.read(0, chunkBytes);
  const first = bytes.findIndex((byte) => byte > 0x20);
  const opening = bytes.toString('utf8', Math.max(0, first), first + openingBytes);
  if (!/^(?:\{\s*(?:["}]|$)|\[\s*(?:[[{"\]\d-]|true|false|null|$))/.test(opening)) return false;
  const newline = bytes.indexOf(10, first);
  if (newline === -1) return true;
  const isValue = parseJson(bytes.toString('utf8', 0, newline)) !== undefined;
  return !isValue || bytes.subarray(newline).every((byte) => byte <= 0x20);
}
