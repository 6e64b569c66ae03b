import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { unavailable } from './client-errors.ts';
import { createLineTransport } from './line-transport.ts';
import { socketPair } from './socket-pair.ts';

/** A connected Unix socket as a transport. WORKER_UNAVAILABLE where nobody listens. */
export async function openSocket(path: string): Promise<Transport> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw unavailable(`Nobody answers on ${path}.`, error);
  }
  return createLineTransport(socketPair(socket), 'client');
}
