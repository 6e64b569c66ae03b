import { Worker } from 'node:worker_threads';
import { FleetError } from '../../../../core/errors.ts';
import type { Searched } from '../../../../core/grep/search-lines.ts';
import { sanitize } from '../../../../core/sanitize.ts';
import { chunkBytes } from './content.ts';
import type { FromSearcher, SearchRequest } from './regex-thread.ts';

/**
 * The thread runs built code in every case: Node 20 loads no TypeScript, so where this file itself is
 * run from source (tests, benches) its thread is that of the last build.
 */
const builtThread = import.meta.url.endsWith('.ts')
  ? new URL('../../../../dist/servers/worker/output/read/regex-thread.js', import.meta.url)
  : new URL('./regex-thread.js', import.meta.url);

/** Threads at a time: one pattern's worth of memory each. */
const maxThreads = 2;
const maxThreadMb = 64;
/** How long a thread waits for the next page of its pattern. */
const idleMs = 5_000;
/** What a thread may take beyond the time it was given, for the line at hand, before it is ended. */
const graceMs = 100;
/** For a thread to start and compile the pattern. */
const startMs = 5_000;

interface SearchThread {
  pattern: string;
  worker: Worker;
  isIdle: boolean;
  timer: NodeJS.Timeout | undefined;
  /** What content is handed over in, while this side has it. */
  memory: ArrayBuffer;
}

interface Request extends Omit<SearchRequest, 'memory' | 'length'> {
  bytes: Buffer;
}

const threads = new Set<SearchThread>();

/** A pattern at work in a thread of its own. */
export interface RegexSearch {
  /** Searches whole lines. undefined where the thread had to be ended: the pattern is too slow for these. */
  search(request: Request): Promise<Searched | undefined>;
  close(): void;
}

/** INVALID_INPUT where it is no pattern of RE2; NO_CAPACITY while other patterns are searched for. */
export async function openRegexSearch(pattern: string): Promise<RegexSearch> {
  const thread = idleThread(pattern) ?? (await startThread(pattern));
  thread.isIdle = false;
  clearTimeout(thread.timer);
  return {
    search: (request) => search(thread, request),
    close: () => {
      thread.isIdle = true;
      thread.timer = setTimeout(() => end(thread), idleMs).unref();
    },
  };
}

function idleThread(pattern: string): SearchThread | undefined {
  return [...threads].find((thread) => thread.isIdle && thread.pattern === pattern);
}

async function startThread(pattern: string): Promise<SearchThread> {
  const unused = [...threads].find((thread) => thread.isIdle);
  if (threads.size >= maxThreads && unused !== undefined) end(unused);
  if (threads.size >= maxThreads) {
    throw new FleetError('NO_CAPACITY', 'Other patterns are being searched for.', {
      next: 'Call again in a second.',
    });
  }
  const resourceLimits = { maxOldGenerationSizeMb: maxThreadMb };
  const worker = new Worker(builtThread, { workerData: pattern, name: 'regex-search', resourceLimits });
  const thread: SearchThread = {
    pattern,
    worker,
    isIdle: false,
    timer: undefined,
    memory: new ArrayBuffer(0),
  };
  threads.add(thread);
  worker.unref();
  // Said by whoever waits for an answer; without a listener it would end this process.
  worker.on('error', () => undefined);
  worker.once('exit', () => threads.delete(thread));
  const ready = await answer(worker, startMs);
  if (ready?.kind === 'ready') return thread;
  end(thread);
  const reason =
    ready?.kind === 'refused' ? sanitize(ready.message).slice(0, 200) : 'it takes too long to read';
  throw new FleetError('INVALID_INPUT', `"pattern" is refused: ${reason}.`, {
    next: 'Use RE2 syntax (no look-around, no back-references), or quote plain text as \\Q…\\E.',
  });
}

function end(thread: SearchThread): void {
  threads.delete(thread);
  clearTimeout(thread.timer);
  void thread.worker.terminate();
}

async function search(thread: SearchThread, { bytes, ...rest }: Request): Promise<Searched | undefined> {
  const { length } = bytes;
  const memory =
    thread.memory.byteLength >= length ? thread.memory : new ArrayBuffer(Math.max(length, chunkBytes));
  Buffer.from(memory).set(bytes);
  const request: SearchRequest = { ...rest, memory, length };
  thread.worker.postMessage(request, [memory]);
  const found = await answer(thread.worker, rest.budgetMs + graceMs);
  if (found?.kind === 'searched') {
    thread.memory = found.memory;
    return found;
  }
  end(thread);
  return undefined;
}

/** The next message; undefined where the thread ends first (out of memory, say), or the time does. */
function answer(worker: Worker, timeoutMs: number): Promise<FromSearcher | undefined> {
  return new Promise((resolve) => {
    const settle = (message: FromSearcher | undefined): void => {
      clearTimeout(timer);
      worker.off('message', settle);
      worker.off('error', fail);
      worker.off('exit', fail);
      resolve(message);
    };
    const fail = (): void => settle(undefined);
    const timer = setTimeout(fail, timeoutMs);
    worker.on('message', settle);
    worker.on('error', fail);
    worker.on('exit', fail);
  });
}
