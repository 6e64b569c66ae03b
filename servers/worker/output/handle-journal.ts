import { closeSync, constants, fstatSync, openSync, readSync, renameSync } from 'node:fs';
import { z } from 'zod';
import { handleRecord } from '../../../schemas/handle.ts';
import { runId } from '../../../schemas/ids.ts';
import { readFully, writeFully } from './handle-files.ts';

/** What the journal keeps of a handle: its record and whose output it is. */
export const journalEntry = z.strictObject({ ...handleRecord.shape, run_id: runId });
export type JournalEntry = z.infer<typeof journalEntry>;

/** Where a handle's latest line lies. */
export interface Place {
  offset: number;
  length: number;
}

export interface Replayed {
  handle_id: string;
  run_id: string;
  state: 'open' | 'sealed' | 'deleted';
  place: Place;
}

/**
 * The records of all handles of a store in one append-only file, a line for each change, the last
 * line of a handle standing. A few microseconds a change, one file to read at a start: sidecar files
 * would cost a run three more system calls each and a start one file a handle. A torn last line
 * (kill -9 within a write) is passed over.
 */
export class HandleJournal {
  readonly #path: string;
  #fd: number;
  #size: number;
  /** The file ends within a line. */
  #torn = false;

  constructor(path: string) {
    this.#path = path;
    this.#fd = open(path);
    this.#size = fstatSync(this.#fd).size;
  }

  /** Where the entry lies; undefined where the disk would not take it. */
  append(entry: JournalEntry): Place | undefined {
    return this.#write(
      `${lineStart(entry.handle_id, entry.run_id, entry.state)},"entry":${JSON.stringify(entry)}}\n`,
    );
  }

  appendDeleted(handleId: string, ofRun: string): void {
    this.#write(`${lineStart(handleId, ofRun, 'deleted')}}\n`);
  }

  read(place: Place): JournalEntry {
    const line = readFully(this.#fd, place.offset, place.length).toString('utf8');
    return journalLine.parse(JSON.parse(line)).entry;
  }

  /** Every line in order, read in blocks; lines nobody could have written whole are left out. */
  replay(onLine: (line: Replayed) => void): void {
    const block = Buffer.allocUnsafe(blockBytes);
    let held = Buffer.alloc(0);
    let offset = 0;
    for (;;) {
      const read = readSync(this.#fd, block, 0, block.length, offset + held.length);
      if (read === 0) break;
      const bytes = Buffer.concat([held, block.subarray(0, read)]);
      let from = 0;
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
        const line = parseStart(bytes, from, end, offset + from);
        if (line !== undefined) onLine(line);
        from = end + 1;
      }
      held = bytes.subarray(from);
      offset += from;
    }
    this.#torn = held.length > 0;
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
    renameSync(fresh, this.#path);
    closeSync(this.#fd);
    this.#fd = open(this.#path);
    this.#size = size;
    return places;
  }

  #write(line: string): Place | undefined {
    const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
    const { written, errno } = writeFully(this.#fd, bytes);
    const lead = this.#torn ? 1 : 0;
    const place = { offset: this.#size + lead, length: bytes.length - lead - 1 };
    this.#size += written;
    // Half a line on a full disk: the next one must not continue it.
    if (written > 0) this.#torn = errno !== undefined;
    return errno === undefined ? place : undefined;
  }
}

const blockBytes = 1 << 20;
const newline = Buffer.from('\n');
const journalLine = z.object({ entry: journalEntry });

function open(path: string): number {
  const { O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
  return openSync(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
}

/** Every line begins alike, so that a start need not parse the rest of it. */
function lineStart(handleId: string, ofRun: string, state: Replayed['state']): string {
  return `{"handle":"${handleId}","run":"${ofRun}","state":"${state}"`;
}

const start = /^\{"handle":"hdl_[\w-]{21}","run":"run_[\w-]{21}","state":"(open|sealed|deleted)"[,}]/;
const startBytes = 100;
const brace = 0x7d;
const handleAt = '{"handle":"'.length;
const idLength = 'hdl_'.length + 21;
const runAt = handleAt + idLength + '","run":"'.length;

function parseStart(bytes: Buffer, from: number, end: number, offset: number): Replayed | undefined {
  const state = start.exec(bytes.toString('latin1', from, Math.min(end, from + startBytes)))?.[1];
  if (state !== 'open' && state !== 'sealed' && state !== 'deleted') return undefined;
  // An entry holds no objects, so only a whole line ends in two braces.
  if (state !== 'deleted' && (bytes[end - 1] !== brace || bytes[end - 2] !== brace)) return undefined;
  // The ids are read on their own: a piece of a longer string would keep all of it in memory.
  const text = (at: number) => bytes.toString('latin1', from + at, from + at + idLength);
  return { handle_id: text(handleAt), run_id: text(runAt), state, place: { offset, length: end - from } };
}
