import { createServer, type Server } from 'node:https';
import { hostsOf, readClients, readTls, stateOf } from '../platform/trust/tls-files.ts';

export interface TlsOptions {
  /** A folder of `codex-fleet certs`. */
  dir: string;
  /** `listed`: only those whose certificates its file `clients` names; `any`: a certificate may be shown, and need not. */
  clients: 'any' | 'listed';
}

export interface TlsServer {
  server: Server;
  /** Names and addresses its certificate is for. */
  hosts: () => readonly string[];
  clients: (() => ReadonlySet<string>) | undefined;
}

/** Of what is in the folder when a connection comes: certificates are renewed without a restart. */
export function createTlsServer({ dir, clients }: TlsOptions): TlsServer {
  let state = stateOf(dir);
  let files = readTls(dir, Date.now());
  let hosts = hostsOf(files.cert);
  let listed = clients === 'listed' ? readClients(dir) : undefined;
  // Who shows a bad certificate is told so by an answer, and not by an alert of TLS that says little.
  const asking = { requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' } as const;
  const server = createServer({ ...files, ...asking });

  function look(): void {
    const now = stateOf(dir);
    if (now === state) return;
    try {
      files = readTls(dir, Date.now());
      if (listed !== undefined) listed = readClients(dir);
    } catch {
      // Half of it is there: what was good until now goes on, and the next connection looks again.
      return;
    }
    hosts = hostsOf(files.cert);
    server.setSecureContext({ ...files, minVersion: 'TLSv1.3' });
    state = now;
  }
  server.prependListener('connection', look);
  const clientsNow = (): ReadonlySet<string> => {
    look();
    return listed ?? new Set();
  };
  return { server, hosts: () => hosts, clients: listed === undefined ? undefined : clientsNow };
}
