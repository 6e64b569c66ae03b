import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, renameSync } from 'node:fs';
import { z } from 'zod';
import { parseJson } from '../../core/parse-json.ts';
import { failpoint } from '../../platform/failpoint.ts';
import { openForRead, readFully, writeFully } from './output/handle-files.ts';

/** Where an entry's latest line lies. */
export interface Place {
  offset: number;
  length: number;
}

export interface Line {
  /** Of the run or handle the line is about. */
  id: string;
  run_id: string;
  state: 'open' | 'sealed' | 'deleted';
  /** The handle whose content is this one's, where the entry begins with one as `same_as`. */
  same_as?: string | undefined;
}

/**
 * Records in one append-only file, a line for each change, the last line of an id standing. A few
 * microseconds a change, one file to read at a start: a file for each would cost a run more system
 * calls, and on ext4 every replacement by rename a flush of what it replaces. It outlives the process,
 * not a power cut. A torn last line (kill -9 within a write, a full disk) is cut off.
 */
export class Journal<Entry> {
  readonly #kind: 'record' | 'handle';
  readonly #path: string;
  readonly #schema: z.ZodType<Entry>;
  #fd: number;
  #size: number;
  #errno = 'EIO';

  constructor(kind: 'record' | 'handle', path: string, schema: z.ZodType<Entry>) {
    this.#kind = kind;
    this.#path = path;
    this.#schema = schema;
    this.#fd = open(path);
    this.#size = fstatSync(this.#fd).size;
  }

  /** Of the last write the disk would not take. */
  get errno(): string {
    return this.#errno;
  }

  /** Where the entry lies; undefined where the disk would not take it. */
  append(line: Line, entry: Entry): Place | undefined {
    return this.#write(line.state, `${lineStart(line)},"entry":${JSON.stringify(entry)}}\n`);
  }

  appendDeleted(id: string, runId: string): void {
    this.#write('deleted', `${lineStart({ id, run_id: runId, state: 'deleted' })}}\n`);
  }

  /** undefined where the line is no entry, or not one of today's. */
  read(place: Place): Entry | undefined {
    return readIfSound(this.#fd, place, this.#schema);
  }

  /** Every line in order; lines nobody could have written whole are left out. */
  replay(onLine: (line: Line, place: Place) => void): void {
    const whole = readLines(this.#fd, onLine);
    if (whole === this.#size) return;
    ftruncateSync(this.#fd, whole);
    this.#size = whole;
  }

  /** Rewrites the file with these entries alone. Answers their new places, in order. */
  compact(entries: Iterable<Place>): Place[] {
    const fresh = `${this.#path}.new`;
    const fd = openSync(fresh, 'w', 0o600);
    const places: Place[] = [];
    let size = 0;
    for (const place of entries) {
      const line = Buffer.concat([readFully(this.#fd, place.offset, place.length), newline]);
      writeFully(fd, line);
      places.push({ offset: size, length: place.length });
      size += line.length;
    }
    closeSync(fd);
    failpoint(`${this.#kind}.compact.before`);
    renameSync(fresh, this.#path);
    failpoint(`${this.#kind}.compact.after`);
    closeSync(this.#fd);
    this.#fd = open(this.#path);
    this.#size = size;
    return places;
  }

  #write(state: Line['state'], line: string): Place | undefined {
    const bytes = Buffer.from(line);
    failpoint(`${this.#kind}.${state}.before`);
    failpoint(`${this.#kind}.${state}.torn`, () => writeFully(this.#fd, bytes.subarray(0, bytes.length / 2)));
    const { written, errno } = writeFully(this.#fd, bytes);
    if (errno !== undefined) {
      this.#errno = errno;
      // Half a line: the next one must not continue it.
      if (written > 0) ftruncateSync(this.#fd, this.#size);
      return undefined;
    }
    const place = { offset: this.#size, length: bytes.length - 1 };
    this.#size += written;
    failpoint(`${this.#kind}.${state}.after`);
    return place;
  }
}

/** What can be read of a journal whose process may still write it, by id; nothing where there is none. */
export function readJournal<Entry>(path: string, schema: z.ZodType<Entry>): Map<string, Entry> {
  const file = openForRead(path);
  const latest = new Map<string, Place>();
  if (file === undefined) return new Map();
  try {
    readLines(file.fd, ({ id, state }, place) => {
      if (state === 'deleted') latest.delete(id);
      else latest.set(id, place);
    });
    const entries = new Map<string, Entry>();
    for (const [id, place] of latest) {
      const entry = readIfSound(file.fd, place, schema);
      if (entry !== undefined) entries.set(id, entry);
    }
    return entries;
  } finally {
    closeSync(file.fd);
  }
}

/** In blocks; answers how many bytes whole lines take. */
function readLines(fd: number, onLine: (line: Line, place: Place) => void): number {
  const block = Buffer.allocUnsafe(blockBytes);
  let held = Buffer.alloc(0);
  let offset = 0;
  for (;;) {
    const read = readSync(fd, block, 0, block.length, offset + held.length);
    if (read === 0) return offset;
    const bytes = Buffer.concat([held, block.subarray(0, read)]);
    let from = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
      const line = parseStart(bytes, from, end);
      if (line !== undefined) onLine(line, { offset: offset + from, length: end - from });
      from = end + 1;
    }
    held = bytes.subarray(from);
    offset += from;
  }
}

function readIfSound<Entry>(fd: number, place: Place, schema: z.ZodType<Entry>): Entry | undefined {
  const line = parseJson(readFully(fd, place.offset, place.length).toString('utf8'));
  return schema.safeParse(journalLine.safeParse(line).data?.entry).data;
}

const blockBytes = 1 << 20;
const newline = Buffer.from('\n');
const journalLine = z.object({ entry: z.unknown() });

function open(path: string): number {
  const { O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
  return openSync(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
}

/** Every line begins alike, so that a start need not parse the rest of it. */
function lineStart({ id, run_id: runId, state }: Omit<Line, 'same_as'>): string {
  return `{"id":"${id}","run":"${runId}","state":"${state}"`;
}

const start =
  /^\{"id":"(?:hdl|run)_[\w-]{21}","run":"run_[\w-]{21}","state":"(open|sealed|deleted)"(?:,"entry":\{"same_as":"(hdl_[\w-]{21})"|[,}])/;
const startBytes = 150;
const brace = 0x7d;
const idAt = '{"id":"'.length;
const idLength = 'hdl_'.length + 21;
const runAt = idAt + idLength + '","run":"'.length;

function parseStart(bytes: Buffer, from: number, end: number): Line | undefined {
  const [, state, owner] = start.exec(bytes.toString('latin1', from, Math.min(end, from + startBytes))) ?? [];
  if (state !== 'open' && state !== 'sealed' && state !== 'deleted') return undefined;
  // A line closes its entry and itself.
  if (state !== 'deleted' && (bytes[end - 1] !== brace || bytes[end - 2] !== brace)) return undefined;
  // The ids are read on their own: a piece of a longer string would keep all of it in memory.
  const text = (at: number) => bytes.toString('latin1', from + at, from + at + idLength);
  const same_as = owner === undefined ? undefined : Buffer.from(owner).toString('latin1');
  return { id: text(idAt), run_id: text(runAt), state, same_as };
}
