import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { closeAfterWriting, openForWriting } from './database.ts';
import { describeFailure, type Failure } from './failures.ts';
import { batchLength, createWriter, type Result, type WriterOperation } from './writer.ts';

export type ToWriter = { kind: 'apply'; operations: WriterOperation[] } | { kind: 'close' };

export type FromWriter =
  | { kind: 'opened' }
  | { kind: 'refused'; failure: Failure }
  /** In the order the operations came in; one message a commit. */
  | { kind: 'committed'; results: Result[] };

/**
 * The thread that waits for the disk, so that the thread that serves calls never does. What arrives
 * while one commit is being synced becomes the next one.
 */
function serve(port: MessagePort, file: string): void {
  const db = openForWriting(file);
  const writer = createWriter(db);
  const waiting: WriterOperation[] = [];
  let closing = false;

  function commitNext(): void {
    const results = writer.commit(waiting.splice(0, batchLength(waiting)));
    send({ kind: 'committed', results });
    if (waiting.length > 0) setImmediate(commitNext);
    else if (closing) close();
  }
  function close(): void {
    closeAfterWriting(db);
    port.close();
  }
  function send(message: FromWriter): void {
    port.postMessage(message);
  }

  port.on('message', (message: ToWriter) => {
    const idle = waiting.length === 0;
    if (message.kind === 'close') {
      closing = true;
      if (idle) close();
      return;
    }
    waiting.push(...message.operations);
    if (idle) setImmediate(commitNext);
  });
  send({ kind: 'opened' });
}

function start(port: MessagePort, file: string): void {
  try {
    serve(port, file);
  } catch (error) {
    const refused: FromWriter = { kind: 'refused', failure: describeFailure(error, file) };
    port.postMessage(refused);
  }
}

if (parentPort !== null) start(parentPort, String(workerData));
