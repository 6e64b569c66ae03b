import { continues, joinedFindings, joinsOf, opens, type Block } from './blocks.ts';
import type { Detection } from './detect.ts';
import type { Replace } from './finding.ts';
import { isRow, tableOf, type Table } from './table.ts';
import { latin1 } from './view.ts';
import { contextBytes, moved, readLong, replaced, windowBytes } from './window.ts';

const nothing = new Uint8Array(0);

/**
 * Cuts a stream into lines, and lines into blocks that are read together, by its content alone.
 * Holds back an open block and an unfinished line: less than two windows together.
 */
export class LineReader {
  readonly #detection: Detection;
  readonly #replace: Replace;
  /** Bytes that are not settled, in a buffer with room for more. */
  #room = Buffer.alloc(0);
  #length = 0;
  /** The first bytes held that are settled, kept for what the rest of a long line is read after. */
  #settled = 0;
  /** Where in what is held the line begins that has not been looked at: the end of the open block. */
  #next = 0;
  #block: Block | undefined;
  #table: Table | undefined;

  constructor(detection: Detection, replace: Replace) {
    this.#detection = detection;
    this.#replace = replace;
  }

  /** Bytes taken and not settled. */
  get waiting(): number {
    return this.#length - this.#settled;
  }

  take(chunk: Uint8Array): Uint8Array {
    const waits = this.waiting + chunk.length <= windowBytes && !chunk.includes(10);
    if (waits) {
      this.#hold(chunk);
      return nothing;
    }
    if (this.#length === 0) return this.#read(chunk, false);
    this.#hold(chunk);
    return this.#read(this.#room.subarray(0, this.#length), false);
  }

  end(): Uint8Array {
    return this.#read(this.#room.subarray(0, this.#length), true);
  }

  #hold(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#room.length) {
      const room = Buffer.allocUnsafe(
        Math.max(1_024, length, Math.min(this.#room.length * 2, length + windowBytes)),
      );
      room.set(this.#room.subarray(0, this.#length));
      this.#room = room;
    }
    this.#room.set(chunk, this.#length);
    this.#length = length;
  }

  #read(bytes: Uint8Array, isEnd: boolean): Uint8Array {
    const whole = isEnd ? bytes.length : bytes.lastIndexOf(10) + 1;
    const pieces: Uint8Array[] = [];
    let open = this.#settled;
    let at = this.#next;
    if (this.#settled > 0 && whole > this.#settled) {
      const line = bytes.indexOf(10, this.#settled);
      const end = line === -1 ? whole : line + 1;
      pieces.push(...readLong(this.#detection, this.#replace, bytes, this.#settled, end, true).pieces);
      open = end;
      at = end;
      this.#settled = 0;
    }
    const suspect = suspects(this.#detection, bytes, whole);
    while (at < whole) {
      if (this.#block !== undefined) {
        const end = lineEndOf(bytes, at, whole);
        const fits = end - open <= windowBytes;
        const before = lineStartBefore(bytes, at - 1);
        const verdict = fits
          ? continues(
              this.#block,
              latin1(bytes.subarray(at, end)),
              latin1(bytes.subarray(Math.max(open, before), at)),
            )
          : 'no';
        if (verdict !== 'no') at = end;
        if (verdict === 'more') continue;
        open = this.#close(pieces, bytes, open, at, !fits);
        // What of a block that grew too long was left for the next one is read on with it.
        if (this.#block === undefined) at = open;
        continue;
      }
      const from = this.#table === undefined ? suspect(at) : at;
      if (from === -1) {
        pieces.push(bytes.subarray(at, whole));
        at = whole;
        open = whole;
        break;
      }
      const start = Math.max(at, lineStartBefore(bytes, from));
      const end = lineEndOf(bytes, from, whole);
      if (start > at) pieces.push(bytes.subarray(at, start));
      at = end;
      open = this.#line(pieces, bytes, start, end);
    }
    if (isEnd && this.#block !== undefined) open = this.#close(pieces, bytes, open, bytes.length, false);
    if (!isEnd && this.#block === undefined && bytes.length - open > windowBytes) {
      const long = readLong(this.#detection, this.#replace, bytes, open, bytes.length, false);
      pieces.push(...long.pieces);
      const context = Math.max(0, long.end - contextBytes);
      this.#keep(bytes, context, long.end - context, long.end - context);
    } else {
      this.#keep(bytes, isEnd ? bytes.length : open, 0, at - open);
    }
    return joined(pieces);
  }

  /** Reads one line, or opens a block with it; answers where what is not settled begins. */
  #line(pieces: Uint8Array[], bytes: Uint8Array, start: number, end: number): number {
    if (end - start > windowBytes) {
      this.#table = undefined;
      pieces.push(...readLong(this.#detection, this.#replace, bytes, start, end, true).pieces);
      return end;
    }
    const text = latin1(bytes.subarray(start, end));
    if (this.#table !== undefined && !isRow(this.#table, text)) this.#table = undefined;
    const block = opens(text);
    if (block !== undefined && this.#table === undefined) {
      this.#block = block;
      return start;
    }
    const found = moved(this.#detection.findings(bytes.subarray(start, end), [], this.#table), start);
    pieces.push(...replaced(bytes, start, end, found, this.#replace));
    this.#table ??= tableOf(text);
    return end;
  }

  /** Reads the open block; answers where what is not settled begins. Of base64 that goes on, the last lines wait. */
  #close(pieces: Uint8Array[], bytes: Uint8Array, open: number, end: number, goesOn: boolean): number {
    const block = this.#block;
    this.#block = undefined;
    if (block === undefined) return end;
    const text = latin1(bytes.subarray(open, end));
    const stretch = bytes.subarray(open, end);
    const found = moved(joinedFindings(this.#detection, stretch, text, joinsOf(block, text)), open);
    let cut = end;
    if (goesOn && block === 'base64') {
      cut = lineStartBefore(
        bytes,
        Math.min(end - 1_024, ...found.filter((one) => one.end > end - 1_024).map((one) => one.start)),
      );
      if (cut > open) this.#block = block;
      else cut = end;
    }
    pieces.push(
      ...replaced(
        bytes,
        open,
        cut,
        found.filter((one) => one.end <= cut),
        this.#replace,
      ),
    );
    return cut;
  }

  #keep(bytes: Uint8Array, from: number, settled: number, next: number): void {
    // Never a view of somebody's chunk: it may be used again.
    const rest = Buffer.from(bytes.subarray(from));
    this.#room = rest;
    this.#length = rest.length;
    this.#settled = settled;
    this.#next = next;
  }
}

/** Asks for the next suspect place; what was found farther on is not looked for again. */
function suspects(detection: Detection, bytes: Uint8Array, to: number): (from: number) => number {
  let anchor = -2;
  let base64 = -2;
  return (from) => {
    if (anchor !== -1 && anchor < from) anchor = detection.anchorFrom(bytes, from, to);
    if (base64 !== -1 && base64 < from) base64 = detection.base64From(bytes, from, to);
    if (anchor === -1 || base64 === -1) return Math.max(anchor, base64);
    return Math.min(anchor, base64);
  };
}

function lineEndOf(bytes: Uint8Array, from: number, most: number): number {
  const end = bytes.indexOf(10, from);
  return end === -1 || end >= most ? most : end + 1;
}

function lineStartBefore(bytes: Uint8Array, at: number): number {
  // A negative place would be counted from the end.
  return at <= 0 ? 0 : bytes.lastIndexOf(10, at - 1) + 1;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first = nothing] = pieces;
  return pieces.length <= 1 ? first : Buffer.concat(pieces);
}
