import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Relay } from '../../runner/process.ts';
import { createProxy } from './proxy.ts';
import type { LookUp, Reach } from './route.ts';
import { Tally } from './tally.ts';

/** What one process of a run reaches its hosts by. */
export interface Pass {
  relay: Relay;
  /** Ends every connection and removes the socket; answers what the manifest is to say. Idempotent. */
  close(): string | undefined;
}

export interface GateOptions {
  /** 0700 where it is not there yet. */
  dir: string;
  relayArgv: Relay['argv'];
  look?: LookUp | undefined;
}

/** What a Unix socket's address holds, unix(7). */
const longestAddress = 107;

/** A proxy of its own behind a socket of its own for a process: no other run can speak for it, nor it for another. */
export function openPass({ dir, relayArgv, look }: GateOptions, reach: Reach): Pass {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const socket = join(dir, `${randomBytes(8).toString('hex')}.sock`);
  if (Buffer.byteLength(socket) > longestAddress) {
    throw Object.assign(new Error('the path of its socket is too long'), { code: 'ENAMETOOLONG' });
  }
  const tally = new Tally();
  const server = createProxy({ reach, tally, look });
  const sockets = new Set<{ destroy(): unknown }>();
  server.on('connection', (one) => {
    sockets.add(one);
    one.once('close', () => sockets.delete(one));
  });
  // Without it the relay is refused every connection.
  server.on('error', () => undefined);
  server.listen(socket);
  return {
    relay: { argv: relayArgv, socket },
    close() {
      server.close();
      for (const one of sockets) one.destroy();
      return tally.note();
    },
  };
}
