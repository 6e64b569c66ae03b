import { join } from 'node:path';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { ServerFactory } from '../../../mcp/build-server.ts';
import { openHttp } from '../../../mcp/open-http.ts';
import { openSocket } from '../../../mcp/open-socket.ts';
import { serveHttp } from '../../../mcp/serve-http.ts';
import { secretVerifier } from '../../../mcp/verifier.ts';
import { serveSocket } from '../../../mcp/serve-socket.ts';
import { inertFleet } from '../../../scripts/lib/live-tools.ts';
import { createProbe } from './probe.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface Arm {
  /** A new connection to the server; over stdio that is a new process. */
  open: () => Promise<Transport>;
  close: () => Promise<void>;
}

export type Served = 'probe' | 'fleet';
const secret = 'correct horse battery staple';

function factoryOf(served: Served): ServerFactory {
  return served === 'fleet' ? inertFleet : createProbe().factory;
}

async function memory(served: Served): Promise<Arm> {
  const factory = factoryOf(served);
  const open = async (): Promise<Transport> => {
    const [near, far] = InMemoryTransport.createLinkedPair();
    await factory().connect(far);
    return near;
  };
  return Promise.resolve({ open, close: () => Promise.resolve() });
}

async function socket(served: Served): Promise<Arm> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 's');
  const service = await serveSocket(factoryOf(served), path);
  const close = async (): Promise<void> => {
    await service.close();
    await folder.remove();
  };
  return { open: () => openSocket(path), close };
}

async function http(served: Served): Promise<Arm> {
  const service = await serveHttp(factoryOf(served), {
    port: 0,
    verify: secretVerifier(secret, { owner: 'jane', scope: 'admin' }),
  });
  const url = `http://127.0.0.1:${String(service.port)}/mcp`;
  return { open: () => Promise.resolve(openHttp(url, secret)), close: service.close };
}

async function stdio(served: Served): Promise<Arm> {
  const args = ['--import', 'tsx', join(import.meta.dirname, 'probe-main.ts'), served];
  const open = (): Promise<Transport> =>
    Promise.resolve(new StdioClientTransport({ command: process.execPath, args, stderr: 'inherit' }));
  return Promise.resolve({ open, close: () => Promise.resolve() });
}

export const arms: [string, (served: Served) => Promise<Arm>][] = [
  ['memory', memory],
  ['socket', socket],
  ['http', http],
  ['stdio', stdio],
];
