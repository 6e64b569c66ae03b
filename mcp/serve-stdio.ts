import type { Readable, Writable } from 'node:stream';
import type { ServerFactory } from './build-server.ts';
import { createLineTransport } from './line-transport.ts';

export interface StdioService {
  /** Settles when stdin ended, stdout broke, or after close(). */
  closed: Promise<void>;
  close: () => Promise<void>;
}

/** Serves one client over this process's stdin and stdout. The process itself is the caller's to end. */
export async function serveStdio(
  factory: ServerFactory,
  streams: { readable: Readable; writable: Writable } = { readable: process.stdin, writable: process.stdout },
): Promise<StdioService> {
  const server = factory();
  const closed = new Promise<void>((resolve) => {
    server.onclose = resolve;
  });
  const { readable, writable } = streams;
  // Writes to a pipe on stdout are synchronous, so nothing is left to flush; an open stdin would
  // keep the process alive.
  const release = (): void => {
    readable.destroy();
  };
  await server.connect(createLineTransport({ readable, writable, release }, 'server'));
  return { closed, close: () => server.close() };
}
