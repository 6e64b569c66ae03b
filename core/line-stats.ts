import { ErrorHits } from './error-hits.ts';
import { classifyLine, findErrorWord } from './error-words.ts';
import { FrequentLines } from './frequent-lines.ts';
import { LengthCounts } from './length-counts.ts';
import { nextNewline } from './newlines.ts';

const errorSlots = 64;

/** Figures of lines, gathered in bounded memory. Lengths leave out the newline. */
export class LineStats {
  readonly lengths = new LengthCounts();
  readonly frequent = new FrequentLines();
  readonly errors = new ErrorHits(errorSlots);
  lines = 0;
  blank = 0;
  longest = { line: 0, length: 0 };
  errorLines = 0;
  hasNul = false;
  readonly #firstLine: number;

  /** `firstLine`: number of the first line to come. */
  constructor(firstLine: number) {
    this.#firstLine = firstLine;
  }

  /** Takes in whole lines; the last may lack its newline. */
  push(bytes: Buffer, offset: number): void {
    this.hasNul ||= bytes.includes(0);
    let error = findErrorWord(bytes, 0, bytes.length);
    for (let from = 0; from < bytes.length;) {
      const newline = nextNewline(bytes, from);
      const to = newline === -1 ? bytes.length : newline;
      this.#count(to - from);
      if (to > from) this.frequent.add(bytes, from, to, offset);
      if (error !== -1 && error < to) {
        const word = classifyLine(bytes, from, to, error);
        if (word?.strong === true) {
          this.errorLines += 1;
          this.errors.add(bytes, from, to, word.at, this.#firstLine + this.lines - 1);
        }
        error = findErrorWord(bytes, to, bytes.length);
      }
      from = to + 1;
    }
  }

  /** Takes in a line too long to be looked at. */
  pushLong(length: number): void {
    this.#count(length);
  }

  #count(length: number): void {
    this.lines += 1;
    this.lengths.add(length);
    if (length === 0) this.blank += 1;
    if (length > this.longest.length) this.longest = { line: this.#firstLine + this.lines - 1, length };
  }
}
