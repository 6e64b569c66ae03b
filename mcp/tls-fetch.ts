import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { readTls } from '../platform/trust/tls-files.ts';

export interface TlsTarget {
  /** A folder of `codex-fleet certs`: who we are, and the only authority whose servers count. */
  tls?: string | undefined;
  /** The addresses of the URL's host that were found good: no other is connected to. */
  addresses?: readonly string[] | undefined;
}

export interface TlsFetch {
  fetch(url: string | URL, init?: RequestInit): Promise<Response>;
  close(): void;
}

/** What the global fetch cannot: a client certificate, an authority of one's own, an address held. Follows no redirect. */
export function tlsFetch({ tls, addresses }: TlsTarget): TlsFetch {
  const files = tls === undefined ? {} : readTls(tls, Date.now());
  const pinned = addresses === undefined ? {} : { lookup: lookupIn(addresses) };
  const agent = new Agent({ keepAlive: true, minVersion: 'TLSv1.3', ...files, ...pinned });
  return {
    fetch: (url, init = {}) => send(url, init, agent),
    close: () => agent.destroy(),
  };
}

function send(url: string | URL, init: RequestInit, agent: Agent): Promise<Response> {
  const { method = 'GET', body, signal } = init;
  const headers = Object.fromEntries(new Headers(init.headers));
  const options: RequestOptions = { method, headers, agent, ...(signal ? { signal } : {}) };
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, options, (response) => {
      const { statusCode: status = 502 } = response;
      const isEmpty = status === 204 || status === 205 || status === 304;
      if (isEmpty) response.resume();
      const stream = isEmpty ? null : streamOf(response);
      resolve(new Response(stream, { status, headers: headersOf(response.headers) }));
    });
    request.on('error', reject);
    request.end(typeof body === 'string' ? body : undefined);
  });
}

function streamOf(response: Readable): ReadableStream<Uint8Array> {
  const chunks = response.iterator();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value }: IteratorResult<unknown> = await chunks.next();
      if (done === true) controller.close();
      else if (value instanceof Uint8Array) controller.enqueue(value);
    },
    cancel() {
      response.destroy();
    },
  });
}

function headersOf(all: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(all)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one);
  }
  return headers;
}

function lookupIn(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, callback) => {
    const [first] = all;
    if (first === undefined) callback(new Error('no address'), '');
    else if (options.all === true) callback(null, all);
    else callback(null, first.address, first.family);
  };
}
