import { FleetError } from '../../../../core/errors.ts';
import { JsonProblem, JsonReader } from '../../../../core/json-reader.ts';
import { parseJson } from '../../../../core/parse-json.ts';
import { chunkBytes, type Content } from './content.ts';
import type { Place, RecordPage } from './record-page.ts';
import type { ReadCall } from './request.ts';

/** Up to where records were taken, and whether more follow. */
export interface Reached {
  end: number;
  more: boolean;
  /** What to do instead where no record was found. */
  next: string | undefined;
}

const readerBytes = 256 * 1024;
/** A field of a large record is shown up to this size. */
const fieldBytes = 16 * 1024;
const keysShown = 30;

/** Takes the records of one JSON text onto a page: from a pointer, or from an element of its array on. */
export async function readDocument(
  call: ReadCall,
  { cursorOffset, keys }: { cursorOffset: number | undefined; keys: readonly string[] },
  page: RecordPage,
): Promise<Reached> {
  try {
    return await walk(call, { cursorOffset, keys }, page);
  } catch (error) {
    throw error instanceof OutOfTime ? tooLong(call.input.wait_ms) : error;
  }
}

async function walk(
  call: ReadCall,
  { cursorOffset, keys }: { cursorOffset: number | undefined; keys: readonly string[] },
  page: RecordPage,
): Promise<Reached> {
  const { content } = call;
  const reader = readerAt(call, cursorOffset ?? 0);
  if (cursorOffset === undefined) {
    if (content.size === 0) return { end: 0, more: false, next: undefined };
    if (!(await reader.goTo(keys))) {
      return {
        end: content.size,
        more: false,
        next: 'Nothing stands at this pointer: look at a shorter one.',
      };
    }
    if ((await reader.peek()) !== 0x5b) {
      const place = await placeOfNext(reader);
      await addRecord(call, place, page);
      return { end: place.offset + place.length, more: false, next: undefined };
    }
  }
  const elements = cursorOffset === undefined ? reader.children() : reader.rest(false);
  let end = reader.offset;
  const start = end;
  try {
    for await (const _ of elements) {
      await call.pace.breathe();
      await reader.peek();
      end = reader.offset;
      const place = await placeOfNext(reader);
      const isFull = !(await addRecord(call, place, page));
      if (isFull || !call.pace.mayGoOn())
        return { end: isFull ? end : reader.offset, more: true, next: undefined };
    }
  } catch (error) {
    if (error instanceof OutOfTime && end > start) return { end, more: true, next: undefined };
    // Its end is still to come, or was cut off: what there is of it counts.
    if (!(error instanceof JsonProblem && error.atEnd)) throw error;
    const isGrowing = content.record.state === 'open';
    return { end, more: isGrowing, next: isGrowing ? undefined : 'The text ends within this value.' };
  }
  return { end: reader.offset, more: false, next: undefined };
}

function readerAt({ content, pace }: ReadCall, offset: number): JsonReader {
  return new JsonReader(async (from) => {
    await pace.breathe();
    if (!pace.mayGoOn()) throw new OutOfTime();
    return content.read(from, readerBytes);
  }, offset);
}

class OutOfTime extends Error {}

function tooLong(waitMs: number | undefined): FleetError {
  return new FleetError('INVALID_INPUT', 'This text is too long to be walked through in the time given.', {
    next: waitMs === undefined ? 'Give "wait_ms": 25000.' : 'Use grep, or export it.',
  });
}

async function placeOfNext(reader: JsonReader): Promise<Place> {
  await reader.peek();
  const { offset } = reader;
  return { offset, length: (await reader.skip()) - offset };
}

async function addRecord(call: ReadCall, place: Place, page: RecordPage): Promise<boolean> {
  if (place.length <= chunkBytes) {
    const value = await parseAt(call.content, place);
    if (value === undefined) throw new JsonProblem(false);
    if (page.fields !== undefined || JSON.stringify(value).length <= fieldBytes)
      return page.add(value, place);
  }
  if (page.filter !== undefined && !page.filter.accepts(await fieldAt(call, place, page.filter.keys)))
    return true;
  if (page.fields === undefined) return page.addClipped(place, await keysOf(call, place));
  const kept: Record<string, unknown> = {};
  for (const { name, keys } of page.fields) {
    const value = await fieldAt(call, place, keys);
    if (value !== undefined) kept[name] = value;
  }
  return page.addAsIs(kept, place);
}

/** A part of a record too large to be held; how large it is where that is too large as well. */
async function fieldAt(call: ReadCall, place: Place, keys: readonly string[]): Promise<unknown> {
  const reader = readerAt(call, place.offset);
  if (!(await reader.goTo(keys))) return undefined;
  const field = await placeOfNext(reader);
  return field.length > fieldBytes ? `(${String(field.length)} bytes)` : parseAt(call.content, field);
}

async function parseAt(content: Content, { offset, length }: Place): Promise<unknown> {
  return parseJson((await content.read(offset, length)).toString('utf8'));
}

/** The keys of a large object with the size of what they hold. */
async function keysOf(call: ReadCall, place: Place): Promise<Record<string, string> | undefined> {
  const reader = readerAt(call, place.offset);
  if ((await reader.peek()) !== 0x7b) return undefined;
  const keys: [string, string][] = [];
  for await (const { key } of reader.children()) {
    if (keys.length === keysShown) break;
    const kind = (await reader.peek()) === 0x5b ? 'array' : 'value';
    const { length } = await placeOfNext(reader);
    keys.push([(key ?? '').slice(0, 60), `${kind}, ${String(length)} bytes`]);
  }
  return Object.fromEntries(keys);
}
