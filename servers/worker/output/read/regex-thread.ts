import { isAscii } from 'node:buffer';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { RE2JS } from 're2js';
import { createLiteralFinder } from '../../../../core/grep/literal-finder.ts';
import { requiredLiterals } from '../../../../core/grep/required-literals.ts';
import { searchLines, type LineTest, type Searched } from '../../../../core/grep/search-lines.ts';

export interface SearchRequest {
  bytes: Uint8Array;
  want: number;
  countOnly: boolean;
  budgetMs: number;
}

export type FromSearcher =
  { kind: 'ready' } | { kind: 'refused'; message: string } | ({ kind: 'searched' } & Searched);

/** Where a match lies matters only in a line that will be clipped; finding out costs more than whether. */
const shortLineBytes = 200;

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
  port.on('message', ({ bytes, want, countOnly, budgetMs }: SearchRequest) => {
    const until = performance.now() + budgetMs;
    const mayGoOn = (): boolean => performance.now() < until;
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const found = searchLines(content, { finder, test, ignoreCase, want, countOnly, mayGoOn });
    send(port, { kind: 'searched', ...found });
  });
  send(port, { kind: 'ready' });
}

/** Text of ASCII alone is matched as a string, which is faster; any other as UTF-8. */
function regexTest(regex: RE2JS): LineTest {
  let bytes: Buffer = Buffer.alloc(0);
  let text: string | undefined;
  return {
    begin(content) {
      bytes = content;
      text = isAscii(content) ? content.toString('latin1') : undefined;
    },
    find(from, end) {
      const line = text === undefined ? bytes.subarray(from, end) : text.slice(from, end);
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
