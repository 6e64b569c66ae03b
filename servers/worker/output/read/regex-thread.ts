import { isAscii } from 'node:buffer';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { RE2JS } from 're2js';
import { createLiteralFinder } from '../../../../core/grep/literal-finder.ts';
import { requiredLiterals } from '../../../../core/grep/required-literals.ts';
import { searchLines, type LineTest, type Searched } from '../../../../core/grep/search-lines.ts';

export interface SearchRequest {
  /** Handed over, and back with the answer. */
  memory: ArrayBuffer;
  length: number;
  want: number;
  countOnly: boolean;
  budgetMs: number;
}

export type FromSearcher =
  | { kind: 'ready' }
  | { kind: 'refused'; message: string }
  | ({ kind: 'searched'; memory: ArrayBuffer } & Searched);

/** Where a match lies matters only in a line that will be clipped; finding out costs more than whether. */
const shortLineBytes = 200;
/** Bytes decoded at a time. */
const windowBytes = 64 * 1024;

/**
 * The thread in which patterns run. RE2's syntax in time linear in the text (re2js, no
 * backtracking) — but a hostile pattern can make it slow all the same: so it never runs on the
 * thread that serves calls, which ends this one when its time is over.
 */
function serve(port: MessagePort, pattern: string): void {
  const test = regexTest(RE2JS.compile(pattern));
  const required = requiredLiterals(pattern);
  const finder = required === undefined ? undefined : createLiteralFinder(required);
  const ignoreCase = required?.ignoreCase ?? false;
  port.on('message', ({ memory, length, want, countOnly, budgetMs }: SearchRequest) => {
    const until = performance.now() + budgetMs;
    const mayGoOn = (): boolean => performance.now() < until;
    const content = Buffer.from(memory, 0, length);
    const found = searchLines(content, { finder, test, ignoreCase, want, countOnly, mayGoOn });
    const answer: FromSearcher = { kind: 'searched', memory, ...found };
    port.postMessage(answer, [memory]);
  });
  send(port, { kind: 'ready' });
}

/** Text of ASCII alone is matched as a string, which is faster; any other as UTF-8. */
function regexTest(regex: RE2JS): LineTest {
  let bytes: Buffer = Buffer.alloc(0);
  /** Some of the bytes as text, from `start` on; undefined where they are more than ASCII. */
  let window: { start: number; end: number; text: string | undefined } = {
    start: 0,
    end: 0,
    text: undefined,
  };
  const decode = (from: number, lineEnd: number): void => {
    const end = Math.max(lineEnd, Math.min(bytes.length, from + windowBytes));
    const part = bytes.subarray(from, end);
    window = { start: from, end, text: isAscii(part) ? part.toString('latin1') : undefined };
  };
  return {
    begin(content) {
      bytes = content;
      window = { start: 0, end: 0, text: undefined };
    },
    find(from, end) {
      if (end > window.end) decode(from, end);
      const { start, text } = window;
      const line = text === undefined ? bytes.subarray(from, end) : text.slice(from - start, end - start);
      if (!regex.test(line)) return -1;
      if (end - from <= shortLineBytes) return from;
      const matcher = regex.matcher(line);
      return matcher.find() ? from + matcher.start() : from;
    },
  };
}

function send(port: MessagePort, message: FromSearcher): void {
  port.postMessage(message);
}

function start(port: MessagePort, pattern: string): void {
  try {
    serve(port, pattern);
  } catch (error) {
    send(port, { kind: 'refused', message: error instanceof Error ? error.message : 'no pattern of RE2' });
    port.close();
  }
}

if (parentPort !== null) start(parentPort, String(workerData));
