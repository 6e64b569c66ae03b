import { Worker } from 'node:worker_threads';
import { FleetError } from '../../core/errors.ts';
import { toFleetError } from './failures.ts';
import type { Answer } from './operations.ts';
import type { FromWriter, ToWriter } from './writer-thread.ts';
import { batchLength, type Result, type WriterOperation } from './writer.ts';

/**
 * The thread runs built code in every case: Node 20 loads no TypeScript, so where this file itself is
 * run from source (tests, benches) its thread is that of the last build.
 */
const builtThread = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/coordinator/store/writer-thread.js', import.meta.url)
  : new URL('./writer-thread.js', import.meta.url);

export interface WriterClient {
  /** Resolves once the operation is committed. Operations take effect in the order they were sent. */
  send(operation: WriterOperation): Promise<Answer>;
  /** Commits what was sent, folds the log into the file and ends the thread. */
  close(): Promise<void>;
}

interface Pending {
  resolve(answer: Answer): void;
  reject(error: FleetError): void;
}

/** Starts the thread; resolves once it has the file open and migrated, rejects with why it has not. */
export async function startWriter(file: string, entry: URL = builtThread): Promise<WriterClient> {
  const worker = new Worker(entry, { workerData: file, name: 'store-writer' });
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const client = createClient(worker, ended);
  try {
    await client.opened;
  } catch (error) {
    await ended;
    throw error;
  }
  return client;
}

function createClient(worker: Worker, ended: Promise<void>): WriterClient & { opened: Promise<void> } {
  const unsent: WriterOperation[] = [];
  /** Of the operations sent and unsent, in their order: the thread answers in the same. */
  const pending: Pending[] = [];
  let over: FleetError | undefined;

  function post(message: ToWriter): void {
    worker.postMessage(message);
  }
  /** All that was asked for in one turn of the event loop in one message, up to the size of a commit. */
  function flush(): void {
    if (unsent.length === 0) return;
    post({ kind: 'apply', operations: unsent.splice(0, batchLength(unsent)) });
    if (unsent.length > 0) setImmediate(flush);
  }
  function settle(results: Result[]): void {
    for (const [at, { resolve, reject }] of pending.splice(0, results.length).entries()) {
      const result = results[at];
      if (result?.kind === 'failed') reject(toFleetError(result.failure));
      else if (result !== undefined) resolve(result);
    }
  }
  function giveUp(error: FleetError): void {
    over ??= error;
    for (const { reject } of pending.splice(0)) reject(error);
  }

  const opened = new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromWriter) => {
      if (message.kind === 'opened') resolve();
      else if (message.kind === 'committed') settle(message.results);
      else reject(toFleetError(message.failure));
    });
    // Every way the thread can end comes here; after a proper close nothing is pending.
    worker.on('error', (error) => {
      giveUp(threadDied(error));
      reject(threadDied(error));
    });
    worker.on('exit', () => {
      giveUp(threadDied(undefined));
      reject(threadDied(undefined));
    });
  });

  return {
    opened,
    send(operation) {
      if (over !== undefined) return Promise.reject(over);
      return new Promise((resolve, reject) => {
        pending.push({ resolve, reject });
        unsent.push(operation);
        if (unsent.length === 1) setImmediate(flush);
      });
    },
    async close() {
      if (over === undefined) {
        over = new FleetError('SHUTTING_DOWN', 'The store is closed.');
        while (unsent.length > 0) flush();
        post({ kind: 'close' });
      }
      await ended;
    },
  };
}

/** Not STORE_UNAVAILABLE: no repetition can succeed in this process. */
function threadDied(cause: unknown): FleetError {
  return new FleetError(
    'INTERNAL',
    "The store's writer thread has ended; whether calls that were under way were kept is not known.",
    { next: 'Start the fleet again and repeat the call with the same request_key.', cause },
  );
}
