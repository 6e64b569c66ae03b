import { clippedLine } from './clip-line.ts';
import { commonLines, cutWindow, numberLines, windowBytes, type LineWindow } from './diff-window.ts';
import { commonRuns, type CommonRun } from './line-diff.ts';
import { countNewlines } from './newlines.ts';
import { jsonBytes } from './page.ts';

/** Bytes that can be read by range. */
export interface ByteSource {
  size: number;
  /** Shorter than `length` only at the end. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** Where both contents are in step: byte offsets, and the numbers (from 1) of the lines there. */
export interface DiffPosition {
  a: number;
  lineA: number;
  b: number;
  lineB: number;
}

export interface DiffOptions {
  from: DiffPosition;
  /** Equal lines shown before and after a change. */
  context: number;
  /** Bytes of JSON the text may take. */
  budget: number;
  /** Whether there is time left. */
  mayGoOn(): boolean;
  /** Called between windows. */
  breathe(): Promise<void>;
}

export interface Difference {
  text: string;
  /** Lines removed and added in the stretch compared. */
  changed: number;
  position: DiffPosition;
}

/** Lines of a removed or added stretch that are shown, or fewer where they do not fit; the rest is counted. */
const stretchesShown = [40, 10, 3, 1];

/**
 * Compares two contents line by line, window by window, in bounded memory: equal stretches by bytes,
 * others by their common lines. A window that shares no line with its counterpart counts as replaced.
 */
export async function diffContents(a: ByteSource, b: ByteSource, options: DiffOptions): Promise<Difference> {
  const { context } = options;
  const writer = new DiffWriter(options.budget, context);
  let position = options.from;
  for (let windows = 0; position.a < a.size || position.b < b.size; windows += 1) {
    if (windows > 0 && !options.mayGoOn()) break;
    await options.breathe();
    const [bytesA, bytesB] = [await a.read(position.a, windowBytes), await b.read(position.b, windowBytes)];
    const same = commonLines(bytesA, bytesB);
    if (same > 0) {
      writer.passEqual(bytesA.subarray(0, same), position);
      const lines = countNewlines(bytesA, 0, same);
      position = moved(position, { bytesA: same, linesA: lines, bytesB: same, linesB: lines });
      continue;
    }
    const isEnd = position.a + bytesA.length >= a.size && position.b + bytesB.length >= b.size;
    const windowA = cutWindow(bytesA, position.a + bytesA.length >= a.size);
    const windowB = cutWindow(bytesB, position.b + bytesB.length >= b.size);
    const compared = compare(windowA, windowB, isEnd);
    const written = writer.write(windowA, windowB, compared, position);
    position = written.position;
    if (!written.complete) break;
  }
  return { text: writer.text, changed: writer.changed, position };
}

interface Compared {
  runs: CommonRun[];
  /** Lines of each window that are settled: edits at its end wait for the next one. */
  linesA: number;
  linesB: number;
}

function compare(windowA: LineWindow, windowB: LineWindow, isEnd: boolean): Compared {
  const [a = [], b = []] = numberLines([windowA, windowB]);
  const runs = commonRuns(a, b);
  const last = runs.at(-1);
  const isWhole =
    windowA.offsets.at(-1) === windowA.bytes.length && windowB.offsets.at(-1) === windowB.bytes.length;
  if (last === undefined || (isEnd && isWhole)) return { runs, linesA: a.length, linesB: b.length };
  return { runs, linesA: last.a + last.length, linesB: last.b + last.length };
}

function moved(
  { a, lineA, b, lineB }: DiffPosition,
  by: { bytesA: number; linesA: number; bytesB: number; linesB: number },
): DiffPosition {
  return { a: a + by.bytesA, lineA: lineA + by.linesA, b: b + by.bytesB, lineB: lineB + by.linesB };
}

/** Writes changes with the equal lines around them, as many as the budget holds. */
class DiffWriter {
  text = '';
  changed = 0;
  #left: number;
  readonly #context: number;
  /** Equal lines just before the window at hand. */
  #before: string[] = [];
  /** Equal lines still to be shown after the last change. */
  #after = 0;

  constructor(budget: number, context: number) {
    this.#left = budget;
    this.#context = context;
  }

  /** Takes note of lines both have. */
  passEqual(bytes: Buffer, { a, lineA }: DiffPosition): void {
    let shown = 0;
    for (let left = this.#after; left > 0 && shown < bytes.length; left -= 1) shown = afterLine(bytes, shown);
    const head = cutWindow(bytes.subarray(0, shown), true);
    if (shown > 0) this.#equal(head, 0, head.offsets.length - 1, a, lineA);
    if (shown === bytes.length) return;
    let tail = bytes.length;
    for (let left = this.#context; left > 0 && tail > shown; left -= 1) tail = beforeLine(bytes, tail);
    const last = cutWindow(bytes.subarray(tail), true);
    if (tail > shown) this.#before = [];
    this.#equal(last, 0, last.offsets.length - 1, a + tail, lineA + countNewlines(bytes, 0, tail));
    this.#after = 0;
  }

  write(
    windowA: LineWindow,
    windowB: LineWindow,
    { runs, linesA, linesB }: Compared,
    position: DiffPosition,
  ): { position: DiffPosition; complete: boolean } {
    const at = (lineA: number, lineB: number): DiffPosition =>
      moved(position, {
        bytesA: windowA.offsets[lineA] ?? 0,
        linesA: countNewlines(windowA.bytes, 0, windowA.offsets[lineA] ?? 0),
        bytesB: windowB.offsets[lineB] ?? 0,
        linesB: countNewlines(windowB.bytes, 0, windowB.offsets[lineB] ?? 0),
      });
    let [a, b] = [0, 0];
    for (const run of [...runs, { a: linesA, b: linesB, length: 0 }]) {
      if (run.a > linesA) break;
      if (run.a > a || run.b > b) {
        const place = at(a, b);
        const [fromA, fromB] = [a, b];
        const lines = (most: number): string =>
          stretch('-', windowA, { from: fromA, to: run.a, most }, place.a, place.lineA) +
          stretch('+', windowB, { from: fromB, to: run.b, most }, place.b, place.lineB);
        if (!this.#change(lines, place)) return { position: place, complete: false };
        this.changed += run.a - a + run.b - b;
      }
      if (run.length > 0) {
        const place = at(run.a, run.b);
        const base = place.a - (windowA.offsets[run.a] ?? 0);
        this.#equal(windowA, run.a, run.a + run.length, base, place.lineA);
      }
      [a, b] = [run.a + run.length, run.b + run.length];
    }
    return { position: at(linesA, linesB), complete: true };
  }

  /** Adds a change; false where it does not fit. The first of all is shortened until it does. */
  #change(lines: (most: number) => string, { lineA, lineB }: DiffPosition): boolean {
    const isJoined = this.#after > 0 && this.#before.length === 0;
    for (const most of stretchesShown) {
      const before = this.#before.slice(-most).join('');
      const head = isJoined ? '' : `@@ -${String(lineA)} +${String(lineB)} @@\n${before}`;
      const text = head + lines(most);
      if (this.#add(text)) {
        this.#before = [];
        this.#after = this.#context;
        return true;
      }
      if (this.text !== '') return false;
    }
    return false;
  }

  /** Shows the first of these lines where a change precedes them; keeps the last for one that follows. */
  #equal(window: LineWindow, from: number, to: number, base: number, firstLine: number): void {
    const show = (line: number): string => shownLine(' ', window, line, base, firstLine + line - from);
    let shown = from;
    while (shown < to && this.#after > 0 && this.#add(show(shown))) {
      shown += 1;
      this.#after -= 1;
    }
    if (shown === to) return;
    this.#after = 0;
    for (let line = Math.max(shown, to - this.#context); line < to; line += 1) this.#before.push(show(line));
    this.#before = this.#before.slice(Math.max(0, this.#before.length - this.#context));
  }

  #add(text: string): boolean {
    const cost = jsonBytes(text);
    if (cost > this.#left) return false;
    this.text += text;
    this.#left -= cost;
    return true;
  }
}

function afterLine(bytes: Buffer, from: number): number {
  const newline = bytes.indexOf(10, from);
  return newline === -1 ? bytes.length : newline + 1;
}

function beforeLine(bytes: Buffer, end: number): number {
  return end < 2 ? 0 : bytes.lastIndexOf(10, end - 2) + 1;
}

function stretch(
  mark: '-' | '+',
  window: LineWindow,
  { from, to, most }: { from: number; to: number; most: number },
  place: number,
  firstLine: number,
): string {
  const base = place - (window.offsets[from] ?? 0);
  let text = '';
  const shown = Math.min(to, from + most);
  for (let line = from; line < shown; line += 1) {
    text += shownLine(mark, window, line, base, firstLine + line - from);
  }
  if (shown === to) return text;
  return `${text}${mark}… ${String(to - shown)} more, from line ${String(firstLine + shown - from)}\n`;
}

function shownLine(mark: string, window: LineWindow, line: number, base: number, number: number): string {
  const from = window.offsets[line] ?? 0;
  const bytes = window.bytes.subarray(from, window.offsets[line + 1]);
  return `${mark}${clippedLine(bytes, { label: `${String(number)}:`, offset: base + from, startsLine: true })}`;
}
