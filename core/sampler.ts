import { classifyLine, findErrorWord } from './error-words.ts';
import { ErrorHits, excerptBytes, type Hit } from './error-hits.ts';
import { beginsJson, firstVisible, JsonSketch } from './json-sketch.ts';
import { asBuffer, countNewlines } from './newlines.ts';
import { NovelLines } from './novel-lines.ts';
import { describeSample, type PreviewSample } from './sample-lines.ts';

/** Only so much of a line is searched for error words. */
const searchedBytes = 1024;
const headBytes = 4096;
const tailBytes = 4096;
const strongSlots = 160;
const weakSlots = 24;

/** After a hit: how many lines are looked through, and how many of them are kept as its context. */
const nearbyLines = 20;
const contextLines = 2;
/** What was expected, and what came instead. */
const tellingLines = 2;
/** A shape seen more often than this is noise: nothing more is looked for around it. */
const locatedHits = 32;

export interface PreviewSampler {
  push(chunk: Uint8Array): void;
  /** What a preview may show of the bytes so far. Does not disturb what is pushed later. */
  sample(): PreviewSample;
}

/**
 * Keeps of a stream what a reader wants to see first: its first and last lines and those that look
 * like errors, with what follows them, or like no other line. Bounded (under 128 KiB), allocates nothing per line, and the
 * result depends on the bytes alone, not on how they were cut into chunks.
 */
export function createPreviewSampler(): PreviewSampler {
  return new Sampler();
}

/** What is still looked for behind a hit. */
interface Near {
  hit: Hit;
  linesLeft: number;
  contextLeft: number;
  tellingLeft: number;
  wantsLocation: boolean;
}

class Sampler implements PreviewSampler {
  #bytes = 0;
  #lines = 0;
  #head = Buffer.alloc(0);
  #tail: Buffer | undefined;
  #tailLength = 0;
  #pending: Buffer | undefined;
  #pendingLength = 0;
  #midLine = false;
  /** Where in the chunk its own first line begins. */
  #scanFrom = 0;
  readonly #strong = new ErrorHits(strongSlots);
  readonly #weak = new ErrorHits(weakSlots);
  /** The line before the chunk, or its beginning. */
  readonly #before = Buffer.allocUnsafeSlow(excerptBytes);
  #beforeLength = 0;
  #near: Near | undefined;
  /** Of what comes after the head. */
  readonly #novel = new NovelLines();
  #pendingFrom = 0;
  /** Whether this is JSON shows the first byte that is no blank. */
  #mayBeJson = true;
  #structure: JsonSketch | undefined;

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const bytes = asBuffer(chunk);
    this.#keepEdges(bytes);
    if (this.#mayBeJson) this.#sketch(bytes);
    this.#bytes += bytes.length;
    const start = this.#midLine ? this.#endPending(bytes) : 0;
    if (start === -1) return;
    const end = bytes.lastIndexOf(10) + 1;
    if (end > start) {
      if (this.#bytes > headBytes && this.#novel.isLooking) this.#lookForNovel(bytes, start, end);
      this.#scan(bytes, start, end);
      this.#remember(bytes, lineStart(bytes, start, end - 1), end - 1);
    }
    const rest = Math.max(start, end);
    if (rest < bytes.length) this.#begin(bytes, rest);
  }

  sample(): PreviewSample {
    return describeSample({
      bytes: this.#bytes,
      lines: this.#lines,
      head: this.#head,
      tail:
        this.#tail?.subarray(Math.max(0, this.#tailLength - tailBytes), this.#tailLength) ?? Buffer.alloc(0),
      pending: this.#midLine
        ? (this.#pending?.subarray(0, this.#pendingLength) ?? Buffer.alloc(0))
        : Buffer.alloc(0),
      strong: this.#strong,
      weak: this.#weak,
      structure: this.#structure?.notes() ?? [],
      novel: this.#novel.found,
    });
  }

  /** Whole lines only, as for #scan. */
  #lookForNovel(bytes: Buffer, from: number, to: number): void {
    const before = this.#bytes - bytes.length;
    for (let at = from, line = this.#lines + 1; at < to && this.#novel.isLooking; line += 1) {
      const end = bytes.indexOf(10, at);
      if (before + at >= headBytes) this.#novel.add(bytes, at, Math.min(end, at + searchedBytes), line);
      at = end + 1;
    }
  }

  #sketch(bytes: Buffer): void {
    const first = this.#structure === undefined ? firstVisible(bytes) : undefined;
    if (first !== undefined) {
      this.#mayBeJson = beginsJson(first);
      if (this.#mayBeJson) this.#structure = new JsonSketch();
    }
    this.#structure?.push(bytes);
  }

  #keepEdges(bytes: Buffer): void {
    if (this.#head.length < headBytes) {
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, headBytes - this.#head.length)]);
    }
    if (this.#bytes + bytes.length <= headBytes) return;
    this.#tail ??= Buffer.allocUnsafeSlow(2 * tailBytes);
    const fresh = bytes.subarray(Math.max(0, bytes.length - tailBytes, headBytes - this.#bytes));
    if (this.#tailLength + fresh.length > this.#tail.length) {
      const keep = Math.min(tailBytes, this.#tailLength);
      this.#tail.copyWithin(0, this.#tailLength - keep, this.#tailLength);
      this.#tailLength = keep;
    }
    this.#tail.set(fresh, this.#tailLength);
    this.#tailLength += fresh.length;
  }

  /** Goes on with the line begun in an earlier chunk. Answers where the next one begins, or -1. */
  #endPending(bytes: Buffer): number {
    const newline = bytes.indexOf(10);
    this.#extend(bytes, 0, newline === -1 ? bytes.length : newline);
    if (newline === -1) return -1;
    if (this.#pending !== undefined) {
      if (this.#pendingFrom >= headBytes && this.#novel.isLooking)
        this.#novel.add(this.#pending, 0, this.#pendingLength, this.#lines + 1);
      this.#line(this.#pending, 0, this.#pendingLength, 0);
      this.#remember(this.#pending, 0, this.#pendingLength);
    }
    this.#lines += 1;
    this.#midLine = false;
    return newline + 1;
  }

  #begin(bytes: Buffer, from: number): void {
    this.#midLine = true;
    this.#pendingFrom = this.#bytes - bytes.length + from;
    this.#pendingLength = 0;
    this.#extend(bytes, from, bytes.length);
  }

  #extend(bytes: Buffer, from: number, to: number): void {
    this.#pending ??= Buffer.allocUnsafeSlow(searchedBytes);
    const taken = Math.min(to - from, searchedBytes - this.#pendingLength);
    this.#pending.set(bytes.subarray(from, from + taken), this.#pendingLength);
    this.#pendingLength += taken;
  }

  /** Whole lines only: `from` begins one and `to` is just after a newline. */
  #scan(bytes: Buffer, from: number, to: number): void {
    this.#scanFrom = from;
    let at = from;
    while (at < to) {
      let lineStart = at;
      let word = at;
      if (this.#near === undefined) {
        word = findErrorWord(bytes, at, to);
        if (word === -1) {
          this.#lines += countNewlines(bytes, at, to);
          return;
        }
        lineStart = Math.max(at, bytes.lastIndexOf(10, word) + 1);
        this.#lines += countNewlines(bytes, at, lineStart);
      }
      const lineEnd = bytes.indexOf(10, lineStart);
      this.#line(bytes, lineStart, Math.min(lineEnd, lineStart + searchedBytes), word);
      this.#lines += 1;
      at = lineEnd + 1;
    }
  }

  /** Looks at one line, whose newline is not counted yet; no error word begins before `first`. */
  #line(bytes: Buffer, from: number, to: number, first: number): void {
    const word = classifyLine(bytes, from, to, first);
    if (word === undefined) {
      this.#lookNear(bytes, from, to);
    } else if (word.strong) {
      const { hit, shape } = this.#strong.add(bytes, from, to, word.at, this.#lines + 1);
      const isKnown = shape.count > locatedHits;
      if (!isKnown && endsTest(bytes, from)) this.#lookBefore(hit, bytes, from);
      this.#near = isKnown
        ? undefined
        : {
            hit,
            linesLeft: nearbyLines,
            contextLeft: shape.count === 1 ? contextLines : 0,
            tellingLeft: tellingLines,
            wantsLocation: !location.test(excerpt(bytes, from, to)),
          };
    } else {
      if (this.#near === undefined) this.#weak.add(bytes, from, to, word.at, this.#lines + 1);
      this.#lookNear(bytes, from, to);
    }
  }

  /** Some runners tell what went wrong before they tell that it did. */
  #lookBefore(hit: Hit, bytes: Buffer, from: number): void {
    const isHere = bytes !== this.#pending && from > this.#scanFrom;
    const start = isHere ? lineStart(bytes, this.#scanFrom, from - 1) : 0;
    const [line, end] = isHere ? [bytes, from - 1] : [this.#before, this.#beforeLength];
    if (location.test(excerpt(line, start, end)))
      this.#strong.addNear(hit, line, start, end, { line: this.#lines, tells: true });
  }

  #remember(bytes: Buffer, from: number, to: number): void {
    this.#beforeLength = Math.min(to - from, excerptBytes);
    this.#before.set(bytes.subarray(from, from + this.#beforeLength));
  }

  #lookNear(bytes: Buffer, from: number, to: number): void {
    const near = this.#near;
    if (near === undefined) return;
    const text = excerpt(bytes, from, to);
    const located = near.wantsLocation && location.test(text);
    const telling = near.tellingLeft > 0 && !located && tells.test(text);
    const context = near.contextLeft > 0 && /\w/.test(text) && !passed.test(text);
    const line = this.#lines + 1;
    if (located || telling) this.#strong.addNear(near.hit, bytes, from, to, { line, tells: true });
    else if (context) this.#strong.addNear(near.hit, bytes, from, to, { line, tells: false });
    if (located) near.wantsLocation = false;
    if (telling) near.tellingLeft -= 1;
    else if (context) near.contextLeft -= 1;
    near.linesLeft -= 1;
    if (near.linesLeft === 0 || (near.contextLeft === 0 && !near.wantsLocation)) this.#near = undefined;
  }
}

/** `file.ts:12`, `file.ts(12,3):`, `File "x.py"`, `--> src/x.rs`, and the `❯` (latin1 here) of test runners. */
const location = /\.[A-Za-z]{1,5}(?::\d|\(\d+(?:,\d+)?\) ?:)|File "|--> |\u00e2\u009d\u00af /;
/** `Expected: 1`, `left: 1`, `E  assert`, `→ expected 1 to be 2` (latin1 here), `- 1` or `+ 1` of a diff. */
const tells =
  /^\s*(?:[Ee]xpected|[Rr]eceived|[Aa]ctual|[Ll]eft|[Rr]ight|[Gg]ot|[Ww]ant|[Ww]anted)\b\W*\w|^E {3}|\u00e2\u0086\u0092 /;

/** The beginning of a line, a character a byte, without its colours. */
function excerpt(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('latin1', from, Math.min(to, from + excerptBytes));
  return text.includes('\x1b') ? text.replace(/\x1b\[[\d;]*m/g, '') : text;
}

/** What went well says nothing about what did not: `✓`, `✔` or `√` (latin1 here), PASS, ok. */
const passed = /^\s*(?:\u00e2\u009c[\u0093\u0094]|\u00e2\u0088\u009a|PASS\b|ok\b)/;

/** Where the line begins whose end is at `to`, not before `first`. */
function lineStart(bytes: Buffer, first: number, to: number): number {
  return to <= first ? first : Math.max(first, bytes.lastIndexOf(10, to - 1) + 1);
}

/** `--- FAIL: TestX` of `go test -v`, which comes after what the test said. */
function endsTest(bytes: Buffer, from: number): boolean {
  let at = from;
  while (bytes[at] === 0x20) at += 1;
  return bytes[at] === 0x2d && bytes.toString('latin1', at, at + 9) === '--- FAIL:';
}
