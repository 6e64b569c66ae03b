import {
  createServer,
  request as send,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, isIPv6, type LookupFunction, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { askedByConnect, askedByRequest, type Asked, type Refused } from './asked.ts';
import { endToEnd } from './headers.ts';
import { routeTo, type LookUp, type Reach } from './route.ts';
import type { Tally } from './tally.ts';

/* Bounds of what a run may hold open, and of what it may say before it is known where it wants to go. */
const mostConnections = 128;
const headerBytes = 16_384;
const headersMs = 10_000;
const connectMs = 20_000;
const idleMs = 300_000;

export interface ProxyOptions {
  reach: Reach;
  tally: Tally;
  look?: LookUp | undefined;
}

/** An HTTP proxy that passes on what its run may reach: tunnels by CONNECT, and plain requests. */
export function createProxy(options: ProxyOptions): Server {
  const server = createServer(
    { maxHeaderSize: headerBytes, headersTimeout: headersMs, requestTimeout: 0, keepAliveTimeout: headersMs },
    (request, response) => {
      void passOn(options, request, response);
    },
  );
  server.maxConnections = mostConnections;
  server.timeout = idleMs;
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    void tunnel(options, request, client, head);
  });
  server.on('clientError', (_error, client) => {
    options.tally.refused(undefined);
    if (client.writable) client.end(plainAnswer({ status: 400, why: 'the request is not understood' }));
  });
  return server;
}

async function tunnel(
  options: ProxyOptions,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): Promise<void> {
  client.on('error', () => undefined);
  const asked = askedByConnect(request);
  const addresses = await decide(options, asked);
  if (!Array.isArray(addresses) || isRefused(asked)) {
    if (!Array.isArray(addresses)) client.end(plainAnswer(addresses));
    return;
  }
  // Its run may have ended meanwhile.
  if (client.destroyed) return;
  const upstream = dial(asked, addresses);
  let isThrough = false;
  upstream.once('connect', () => {
    isThrough = true;
    options.tally.reached(asked);
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    upstream.write(head);
    upstream.pipe(client).pipe(upstream);
  });
  upstream.once('close', (hadError: boolean) => {
    if (!isThrough) client.end(plainAnswer(unreached));
    // What came last may still be on its way.
    else if (!hadError) client.end(() => client.destroy());
    else client.destroy();
  });
  client.once('close', () => upstream.destroy());
}

async function passOn(
  options: ProxyOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const asked = askedByRequest(request);
  const addresses = await decide(options, asked);
  if (!Array.isArray(addresses) || isRefused(asked)) {
    if (!Array.isArray(addresses)) answer(response, addresses);
    return;
  }
  if (response.destroyed) return;
  const { host, port, path } = asked;
  const upstream = send({
    host: host.name,
    port,
    path,
    method: request.method,
    headers: endToEnd(request.rawHeaders, hostText(asked)),
    createConnection: () => dial(asked, addresses),
    agent: false,
    maxHeaderSize: headerBytes,
  });
  upstream.once('response', (reply) => {
    options.tally.reached(asked);
    response.writeHead(reply.statusCode ?? 502, endToEnd(reply.rawHeaders));
    reply.on('error', () => response.destroy());
    reply.pipe(response);
  });
  upstream.on('error', () => {
    if (response.headersSent) response.destroy();
    else answer(response, unreached);
  });
  response.once('close', () => upstream.destroy());
  request.pipe(upstream);
}

const unreached: Refused = { status: 502, why: 'it could not be connected to' };

async function decide(
  { reach, tally, look }: ProxyOptions,
  asked: Asked | Refused,
): Promise<string[] | Refused> {
  if (isRefused(asked)) {
    tally.refused(undefined);
    return asked;
  }
  const addresses = await routeTo(asked, reach, look);
  if (isRefused(addresses) && addresses.status === 403) tally.refused(asked);
  return addresses;
}

function isRefused(answered: object): answered is Refused {
  return 'why' in answered;
}

/** Ends itself where nothing comes of it. */
function dial({ host, port }: Asked, addresses: readonly string[]): Socket {
  const socket = connect({
    host: host.name,
    port,
    lookup: pinned(addresses),
    autoSelectFamily: true,
    allowHalfOpen: true,
  });
  const late = setTimeout(() => socket.destroy(), connectMs);
  socket.once('connect', () => {
    clearTimeout(late);
  });
  socket.once('close', () => {
    clearTimeout(late);
  });
  socket.on('error', () => undefined);
  return socket.setTimeout(idleMs, () => socket.destroy());
}

/** Whatever is asked for: what the name led to when it was looked at. */
function pinned(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  return (_name, _options, callback) => {
    callback(null, found);
  };
}

function hostText({ host, port }: Asked): string {
  const name = host.name.includes(':') ? `[${host.name}]` : host.name;
  return port === 80 ? name : `${name}:${String(port)}`;
}

const reasons = { 400: 'Bad Request', 403: 'Forbidden', 405: 'Method Not Allowed', 502: 'Bad Gateway' };

function lineOf({ why }: Refused): string {
  return `codex-fleet does not pass this on: ${why}.\n`;
}

function answer(response: ServerResponse, refused: Refused): void {
  const line = lineOf(refused);
  const length = String(Buffer.byteLength(line));
  response.writeHead(refused.status, {
    'content-type': 'text/plain',
    'content-length': length,
    connection: 'close',
  });
  response.end(line);
}

function plainAnswer(refused: Refused): string {
  const line = lineOf(refused);
  return [
    `HTTP/1.1 ${String(refused.status)} ${reasons[refused.status]}`,
    'content-type: text/plain',
    `content-length: ${String(Buffer.byteLength(line))}`,
    'connection: close',
    '',
    line,
  ].join('\r\n');
}
