import { parseJson } from './parse-json.ts';

/** Bytes from an offset on, a chunk at a time; none at the end. */
export type ReadChunk = (offset: number) => Promise<Buffer>;

/** The text is no JSON, or ends within a value. */
export class JsonProblem extends Error {
  readonly atEnd: boolean;

  constructor(atEnd: boolean) {
    super('no JSON');
    this.atEnd = atEnd;
  }
}

const quote = 0x22;
const backslash = 0x5c;
const [openObject, closeObject, openArray, closeArray] = [0x7b, 0x7d, 0x5b, 0x5d];
const [comma, colon] = [0x2c, 0x3a];
/** A longer key is passed over, and never the one looked for. */
const maxKeyBytes = 4096;

/**
 * Walks through a JSON text of any size without holding more than a chunk: finds where values begin
 * and end (RFC 8259). What it passes over is not validated beyond brackets and quotes.
 */
export class JsonReader {
  readonly #read: ReadChunk;
  #bytes: Buffer = Buffer.alloc(0);
  #base: number;
  #at = 0;

  constructor(read: ReadChunk, offset: number) {
    this.#read = read;
    this.#base = offset;
  }

  get offset(): number {
    return this.#base + this.#at;
  }

  /** The next byte that is no blank, not taken yet. JsonProblem at the end. */
  async peek(): Promise<number> {
    for (;;) {
      while (this.#at < this.#bytes.length) {
        const byte = this.#bytes[this.#at] ?? 0;
        if (byte > 0x20) return byte;
        this.#at += 1;
      }
      await this.#fill();
    }
  }

  /** Takes the byte expected; false where it is another. */
  async take(expected: number): Promise<boolean> {
    if ((await this.peek()) !== expected) return false;
    this.#at += 1;
    return true;
  }

  /** Passes over one value; answers where it ends. */
  async skip(): Promise<number> {
    const first = await this.peek();
    if (first === quote) await this.#skipString();
    else if (first === openObject || first === openArray) await this.#skipNested();
    else await this.#skipScalar();
    return this.offset;
  }

  /** Goes through the members of an object or the elements of an array, whose opening bracket is next. */
  async *children(): AsyncGenerator<{ key: string | undefined; index: number }> {
    const isObject = await this.take(openObject);
    if (!isObject && !(await this.take(openArray))) throw new JsonProblem(false);
    yield* this.rest(isObject);
  }

  /** The same from within, where a child or the closing bracket is next. Whoever takes a child takes all of it. */
  async *rest(isObject: boolean): AsyncGenerator<{ key: string | undefined; index: number }> {
    const close = isObject ? closeObject : closeArray;
    for (let index = 0; !(await this.take(close)); index += 1) {
      const key = isObject ? await this.#key() : undefined;
      yield { key, index };
      if (!(await this.take(comma)) && (await this.peek()) !== close) throw new JsonProblem(false);
    }
  }

  /** Moves to the value at a pointer, from the value that is next; false where there is none. */
  async goTo(keys: readonly string[]): Promise<boolean> {
    for (const wanted of keys) {
      const first = await this.peek();
      if (first !== openObject && first !== openArray) return false;
      let found = false;
      for await (const { key, index } of this.children()) {
        found = first === openObject ? key === wanted : String(index) === wanted;
        if (found) break;
        await this.skip();
      }
      if (!found) return false;
    }
    return true;
  }

  async #key(): Promise<string | undefined> {
    if ((await this.peek()) !== quote) throw new JsonProblem(false);
    const parts: Buffer[] = [];
    const length = await this.#skipString(parts);
    if (!(await this.take(colon))) throw new JsonProblem(false);
    if (length > maxKeyBytes) return undefined;
    const parsed = parseJson(Buffer.concat(parts).toString('utf8'));
    return typeof parsed === 'string' ? parsed : undefined;
  }

  /** Passes over a string, its bytes kept as long as they may be a key. */
  async #skipString(kept?: Buffer[]): Promise<number> {
    let length = 0;
    let escaped = true;
    for (;;) {
      const from = this.#at;
      const bytes = this.#bytes;
      let closed = false;
      while (this.#at < bytes.length && !closed) {
        const byte = bytes[this.#at] ?? 0;
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) closed = true;
        this.#at += 1;
      }
      length += this.#at - from;
      if (length <= maxKeyBytes) kept?.push(bytes.subarray(from, this.#at));
      if (closed) return length;
      await this.#fill();
    }
  }

  async #skipNested(): Promise<void> {
    let depth = 0;
    let inString = false;
    let escaped = false;
    for (;;) {
      const bytes = this.#bytes;
      let at = this.#at;
      while (at < bytes.length) {
        const byte = bytes[at] ?? 0;
        at += 1;
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === backslash) escaped = true;
          else if (byte === quote) inString = false;
        } else if (byte === quote) inString = true;
        else if (byte === openObject || byte === openArray) depth += 1;
        else if (byte === closeObject || byte === closeArray) {
          depth -= 1;
          if (depth === 0) {
            this.#at = at;
            return;
          }
        }
      }
      this.#at = at;
      await this.#fill();
    }
  }

  async #skipScalar(): Promise<void> {
    const start = this.offset;
    for (;;) {
      while (this.#at < this.#bytes.length) {
        const byte = this.#bytes[this.#at] ?? 0;
        if (byte <= 0x20 || byte === comma || byte === closeObject || byte === closeArray) {
          if (this.offset === start) throw new JsonProblem(false);
          return;
        }
        this.#at += 1;
      }
      if (!(await this.#more())) return;
    }
  }

  async #fill(): Promise<void> {
    if (!(await this.#more())) throw new JsonProblem(true);
  }

  async #more(): Promise<boolean> {
    const next = await this.#read(this.#base + this.#bytes.length);
    if (next.length === 0) return false;
    this.#base += this.#bytes.length;
    this.#bytes = next;
    this.#at = 0;
    return true;
  }
}
