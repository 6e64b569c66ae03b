import { once } from 'node:events';
import { createServer, request } from 'node:http';

/**
 * Puts a bearer secret on every request on its way to a port of this machine, for clients that
 * cannot send one. Everything else passes as it came; `Host` names the target where it named us.
 */
export async function bearerProxy(
  targetPort: number,
  secret: string,
): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((incoming, outgoing) => {
    const address = server.address();
    const own = typeof address === 'object' && address !== null ? `:${String(address.port)}` : '';
    const swap = (value: string | undefined): string | undefined =>
      value?.replace(own, `:${String(targetPort)}`);
    const headers = {
      ...incoming.headers,
      host: swap(incoming.headers.host),
      ...(incoming.headers.origin === undefined ? {} : { origin: swap(incoming.headers.origin) }),
      authorization: `Bearer ${secret}`,
    };
    const upstream = request(
      { host: '127.0.0.1', port: targetPort, method: incoming.method, path: incoming.url, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
