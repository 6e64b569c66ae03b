const newline = 0x0a;

export interface LineSplitter {
  push(chunk: Buffer): void;
  /** Delivers nothing more, not even the rest of a chunk being split. */
  stop(): void;
}

export interface LineSplitterOptions {
  /** Longest line, without its newline. */
  maxBytes: number;
  onLine: (line: Buffer) => void;
  /** A line grew past `maxBytes`; the splitter has stopped. */
  onTooLong: () => void;
}

/**
 * Cuts a byte stream at newlines, in time linear in its length: parts of a line are joined once,
 * when its end is seen. Lines are given without their newline.
 */
export function createLineSplitter(options: LineSplitterOptions): LineSplitter {
  let parts: Buffer[] = [];
  let pendingBytes = 0;
  let stopped = false;

  const stop = (): void => {
    stopped = true;
    parts = [];
    pendingBytes = 0;
  };
  const fits = (bytes: number): boolean => {
    if (bytes <= options.maxBytes) return true;
    stop();
    options.onTooLong();
    return false;
  };
  const takeLine = (last: Buffer): Buffer => {
    if (parts.length === 0) return last;
    const line = Buffer.concat([...parts, last], pendingBytes + last.length);
    parts = [];
    pendingBytes = 0;
    return line;
  };

  const push = (chunk: Buffer): void => {
    let start = 0;
    let end = stopped ? -1 : chunk.indexOf(newline);
    while (end !== -1) {
      if (!fits(pendingBytes + end - start)) return;
      options.onLine(takeLine(chunk.subarray(start, end)));
      if (stopped) return;
      start = end + 1;
      end = chunk.indexOf(newline, start);
    }
    if (stopped || start === chunk.length) return;
    const rest = chunk.subarray(start);
    if (!fits(pendingBytes + rest.length)) return;
    parts.push(rest);
    pendingBytes += rest.length;
  };

  return { push, stop };
}
