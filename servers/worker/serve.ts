import { setImmediate } from 'node:timers/promises';
import type { ServerFactory } from '../../mcp/build-server.ts';
import type { DualEraOptions } from '../../mcp/dual-era.ts';
import type { Logger } from '../../platform/log.ts';
import { watchIdle } from './idle.ts';
import type { OpenWorker } from './open-worker.ts';
import type { CloseHow } from './runs/runs.ts';

export type Listen =
  | { over: 'stdio' }
  | { over: 'socket'; path: string }
  /** On 127.0.0.1, elsewhere only with `tls`, a folder of `codex-fleet certs`; port 0 takes a free one. */
  | { over: 'http'; port: number; secret: string; host?: string | undefined; tls?: string | undefined };

export interface RunningWorker {
  /** Where it listens over HTTP. */
  readonly port: number | undefined;
  /** Settles when nothing of the worker is left; the process can end. */
  readonly closed: Promise<void>;
  stop: (how: CloseHow) => Promise<void>;
}

export interface ServeOptions {
  listen: Listen;
  /** A worker on a socket ends this long after its last client and its last run. */
  idleMs: number;
  /** What clients that begin without `initialize` are told, over stdio. */
  stateless: DualEraOptions;
  log: Logger;
}

/**
 * Serves a worker until it is stopped: by whoever started it, by the end of its one client over stdio,
 * or, on a socket, by nobody coming back.
 */
export async function serveWorker(
  worker: OpenWorker,
  factory: ServerFactory,
  { listen, idleMs, stateless, log }: ServeOptions,
): Promise<RunningWorker> {
  let settle: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    settle = resolve;
  });
  let stopping: Promise<void> | undefined;
  const idle = watchIdle({
    afterMs: idleMs,
    isWorking: () => worker.runs.isWorking,
    onIdle: () => {
      log.info('nobody came back');
      void stop('keep');
    },
  });
  const service = await listenOn(factory, { listen, stateless }, idle.connections).catch(
    async (error: unknown) => {
      await worker.release();
      throw error;
    },
  );
  const stopOnce = async (how: CloseHow): Promise<void> => {
    idle.close();
    await worker.runs.close(how);
    // The answer to who asked for the end leaves first.
    await setImmediate();
    await service.close();
    await worker.release();
    settle();
  };
  const stop = (how: CloseHow): Promise<void> => (stopping ??= stopOnce(how));

  if (listen.over === 'socket') {
    worker.runs.watchActivity(idle.look);
    idle.look();
  }
  void service.abandoned.then(() => stop('keep'));
  return { port: service.port, closed, stop };
}

interface Service {
  port: number | undefined;
  /** Settles when the only client there can be is gone; never for a service many can connect to. */
  abandoned: Promise<void>;
  close: () => Promise<void>;
}

const never = new Promise<void>(() => undefined);

/** Serves in one way; what the others need is not even loaded. */
async function listenOn(
  factory: ServerFactory,
  { listen, stateless }: Pick<ServeOptions, 'listen' | 'stateless'>,
  onConnectionsChange: (count: number) => void,
): Promise<Service> {
  switch (listen.over) {
    case 'stdio': {
      const { serveStdio } = await import('../../mcp/serve-stdio.ts');
      const stdio = await serveStdio(factory, stateless);
      return { port: undefined, abandoned: stdio.closed, close: stdio.close };
    }
    case 'socket': {
      const { serveSocket } = await import('../../mcp/serve-socket.ts');
      const socket = await serveSocket(factory, listen.path, { onConnectionsChange });
      return { port: undefined, abandoned: never, close: socket.close };
    }
    case 'http': {
      const [{ serveHttp }, { secretVerifier }] = await Promise.all([
        import('../../mcp/serve-http.ts'),
        import('../../mcp/verifier.ts'),
      ]);
      const { port, host, tls: dir } = listen;
      const tls = dir === undefined ? undefined : ({ dir, clients: 'listed' } as const);
      const http = await serveHttp(factory, { port, host, tls, verify: secretVerifier(listen.secret) });
      return { port: http.port, abandoned: never, close: http.close };
    }
  }
}
