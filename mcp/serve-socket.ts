import { chmod, rename, rm, stat } from 'node:fs/promises';
import { createConnection, createServer, type Server as NetServer, type Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { FleetError } from '../core/errors.ts';
import type { ServerFactory } from './build-server.ts';
import { dualEra, type DualEraOptions } from './dual-era.ts';
import { createLineTransport } from './line-transport.ts';
import { socketPair } from './socket-pair.ts';

export interface SocketService {
  close: () => Promise<void>;
}

export interface SocketOptions {
  /** Told how many connections there are, whenever that changes. */
  onConnectionsChange?: (count: number) => void;
  /** Also answers clients of MCP 2026-07-28, which begin without `initialize`. */
  stateless?: DualEraOptions;
}

/**
 * Serves every connection to a Unix socket (mode 0600) with a server of its own. The socket is bound
 * under another name and renamed, so that `path` never shows one that is open to others, and a
 * stale file there is replaced. CONFLICT where another process listens on it.
 */
export async function serveSocket(
  factory: ServerFactory,
  path: string,
  options: SocketOptions = {},
): Promise<SocketService> {
  if (await isListening(path)) {
    throw new FleetError('CONFLICT', `Another process already serves ${path}.`, {
      next: 'Connect to it, or end it first.',
    });
  }
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    options.onConnectionsChange?.(sockets.size);
    socket.once('close', () => {
      sockets.delete(socket);
      options.onConnectionsChange?.(sockets.size);
    });
    const lines = createLineTransport(socketPair(socket), 'server');
    void factory().connect(options.stateless === undefined ? lines : dualEra(lines, options.stateless));
  });
  await bind(listener, path);
  const { ino } = await stat(path);
  let closing: Promise<void> | undefined;
  return { close: () => (closing ??= stop(listener, sockets, path, ino)) };
}

/** Binds beside `path` and moves there: bind and chmod are two steps, rename is one. */
async function bind(listener: NetServer, path: string): Promise<void> {
  // Six characters: a path may have 107, and ours have at most 100.
  const beside = `${path}.${randomBytes(3).toString('base64url')}`;
  listener.listen(beside);
  await once(listener, 'listening');
  try {
    await chmod(beside, 0o600);
    await rename(beside, path);
  } catch (error) {
    listener.close();
    throw error;
  }
}

async function isListening(path: string): Promise<boolean> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function stop(listener: NetServer, sockets: Set<Socket>, path: string, ino: number): Promise<void> {
  const closed = once(listener, 'close');
  listener.close();
  for (const socket of sockets) socket.resume().end();
  const force = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, 500);
  await closed;
  clearTimeout(force);
  // Only our own file: a successor may already have put its socket there.
  const found = await stat(path).catch(() => undefined);
  if (found?.ino === ino) await rm(path, { force: true });
}
