import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** Smaller ones are left to the garbage collector: what they take is not worth the call. */
const leastBytes = 16 * 1024;

let nowhere: MessagePort | undefined;

/**
 * Gives the memory of a chunk back at once; the chunk is empty afterwards. Left to the garbage collector,
 * which comes by every 30 MB or so, the chunks of a fast stream are that much memory, all of it taken from
 * the system page by page: what is freed at once is what the next read gets. A buffer handed to a closed
 * port goes with the message nobody will receive. Memory that holds more than the chunk is left alone.
 */
export function freeChunk(chunk: Buffer): void {
  const { buffer, length } = chunk;
  if (length < leastBytes || buffer.byteLength !== length || !(buffer instanceof ArrayBuffer)) return;
  nowhere ??= closedPort();
  nowhere.postMessage(undefined, [buffer]);
}

function closedPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  return port1;
}
