const newline = 0x0a;

export interface LineSink {
  line(text: string): void;
  /** A line over the limit was skipped; `bytes` is its length. */
  oversized(bytes: number): void;
}

/**
 * Cuts a byte stream into lines in time linear in its length, and never keeps more than `maxBytes`:
 * the rest of a longer line is counted and dropped.
 */
export class JsonLines {
  readonly #maxBytes: number;
  readonly #sink: LineSink;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxBytes: number, sink: LineSink) {
    this.#maxBytes = maxBytes;
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      this.#keep(chunk.subarray(from, at));
      this.#finish();
      from = at + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** A last line without a newline. */
  end(): void {
    if (this.#bytes > 0) this.#finish();
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#bytes += part.length;
    if (this.#bytes > this.#maxBytes) this.#parts = [];
    else this.#parts.push(part);
  }

  #finish(): void {
    const parts = this.#parts;
    const bytes = this.#bytes;
    this.#parts = [];
    this.#bytes = 0;
    if (bytes > this.#maxBytes) this.#sink.oversized(bytes);
    else if (bytes > 0) this.#sink.line(Buffer.concat(parts, bytes).toString('utf8'));
  }
}
