import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { isTooLong, tooLong } from './json-rpc.ts';
import type { TlsFetch } from './tls-fetch.ts';

/**
 * Streamable HTTP that ends like a connection does. The SDK's transport reconnects its event stream
 * for ever and leaves calls whose response broke off to their timeout; here any broken stream or
 * failed request (404: the server forgot the session) closes the transport, which settles them all.
 */
export function openHttp(url: string, secret: string, overTls?: TlsFetch): Transport {
  const inner = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${secret}` } },
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 1,
      maxReconnectionDelay: 1,
      reconnectionDelayGrowFactor: 1,
    },
    fetch: (input, init) => {
      // Every request listens on the transport's one signal until it is collected.
      if (init?.signal) setMaxListeners(0, init.signal);
      if (overTls !== undefined) return overTls.fetch(input, init);
      // The secret goes to the address that was configured, and to no other.
      return fetch(input, { ...init, redirect: 'error' });
    },
  });
  let closed = false;
  const finish = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await inner.close();
    overTls?.close();
    transport.onclose?.();
  };
  const transport: Transport = {
    start: () => {
      inner.onmessage = (message) => transport.onmessage?.(message);
      // Later, so that the call that failed is told why before every call is told the end.
      inner.onerror = () => {
        setImmediate(() => void finish());
      };
      return inner.start();
    },
    send: (message) => (isTooLong(JSON.stringify(message)) ? Promise.reject(tooLong()) : inner.send(message)),
    close: async () => {
      if (!closed)
        await Promise.race([inner.terminateSession(), delay(1_000, undefined, { ref: false })]).catch(
          () => undefined,
        );
      await finish();
    },
    setProtocolVersion: (version) => {
      inner.setProtocolVersion(version);
    },
  };
  return transport;
}
