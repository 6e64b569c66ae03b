import type { ServerFactory } from './build-server.ts';
import { dualEra, type DualEraOptions } from './dual-era.ts';
import { createLineTransport } from './line-transport.ts';

export interface StdioService {
  /** Settles when stdin ended, stdout broke, or after close(). */
  closed: Promise<void>;
  close: () => Promise<void>;
}

/**
 * Serves one client over this process's stdin and stdout; with `stateless`, also one of MCP 2026-07-28,
 * which begins without `initialize`. The process itself is the caller's to end.
 */
export async function serveStdio(factory: ServerFactory, stateless?: DualEraOptions): Promise<StdioService> {
  const server = factory();
  const closed = new Promise<void>((resolve) => {
    const close = server.onclose;
    server.onclose = () => {
      close?.();
      resolve();
    };
  });
  const { stdin: readable, stdout: writable } = process;
  // Writes to a pipe on stdout are synchronous, so nothing is left to flush; an open stdin would
  // keep the process alive.
  const release = (): void => {
    readable.destroy();
  };
  const lines = createLineTransport({ readable, writable, release }, 'server');
  await server.connect(stateless === undefined ? lines : dualEra(lines, stateless));
  return { closed, close: () => server.close() };
}
