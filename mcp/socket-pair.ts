import type { Socket } from 'node:net';
import type { LinePair } from './line-transport.ts';

/** How long a peer that does not end its side, or does not read, may hold up the end. */
const lingerMs = 1_000;

/**
 * A socket as a pair for the line transport. At the end what was written is still sent, and what
 * comes in is thrown away: closing over unread bytes would take the last answer from the peer.
 */
export function socketPair(socket: Socket): LinePair {
  const release = (): void => {
    if (socket.destroyed) return;
    socket.resume();
    socket.end();
    const linger = setTimeout(() => socket.destroy(), lingerMs);
    linger.unref();
    socket.once('close', () => {
      clearTimeout(linger);
    });
  };
  return { readable: socket, writable: socket, release };
}
