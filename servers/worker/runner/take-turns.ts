import type { Readable } from 'node:stream';

/** Some 2 ms of work for a worker that looks for private values. */
const turnBytes = 256 * 1024;

/**
 * Lets everything else have its turn after each so many bytes: else what is in a pipe at once, 2 MB and
 * more, is worked off before another run, or a call, is looked at. Listens before others take chunks away.
 */
export function takeTurns(stream: Readable): void {
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes < turnBytes) return;
    bytes = 0;
    stream.pause();
    setImmediate(() => {
      stream.resume();
    });
  });
}
