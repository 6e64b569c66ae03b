import { createConnection, type Socket } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A peer that may write anything: bytes out, lines in. */
export interface RawPeer {
  socket: Socket;
  send: (message: unknown) => void;
  /** The next line the server sends, parsed. */
  next: () => Promise<unknown>;
  closed: Promise<unknown>;
}

export async function rawPeer(path: string): Promise<RawPeer> {
  const socket = createConnection(path);
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  socket.on('error', () => undefined);
  return {
    socket,
    send: (message) => socket.write(`${JSON.stringify(message)}\n`),
    next: async () => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error('The server closed the connection.');
      return JSON.parse(value);
    },
    closed,
  };
}

export const initialize = (protocolVersion: string) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
});

export const toolCall = (id: number, name: string, args: Record<string, unknown>) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});
