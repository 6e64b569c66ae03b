import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import { FleetError } from '../core/errors.ts';
import { loopbackHosts } from '../schemas/loopback.ts';
import type { ServerFactory } from './build-server.ts';
import { allows } from '../core/trust/scopes.ts';
import type { Principal } from '../schemas/principal.ts';
import { createHttpGuard, readBody, type HttpGuard, type Refusal } from './http-guard.ts';
import { createHttpSessions, type HttpSession, type HttpSessions } from './http-sessions.ts';
import { metadataOf, metadataPaths, type ProtectedResource } from './protected-resource.ts';
import { scopeOf } from './scopes.ts';
import type { TlsOptions, TlsServer } from './tls-server.ts';
import type { Verifier } from './verifier.ts';

export interface HttpOptions {
  /** 127.0.0.1 (the default) or ::1. INVALID_INPUT for any other without `tls`: secrets would travel in the clear. */
  host?: string | undefined;
  tls?: TlsOptions | undefined;
  /** 0 takes a free one. */
  port: number;
  /** Who may ask for what. */
  verify: Verifier;
  /** Whose access tokens `verify` knows, besides others; clients are told where to get them. */
  resource?: ProtectedResource | undefined;
  /** An unused session ends after this long; default 30 minutes. */
  sessionTtlMs?: number;
  /** How often unused sessions are looked for; default 60 s. */
  sweepMs?: number;
  onSessionsChange?: (count: number) => void;
}

export interface HttpService {
  port: number;
  close: () => Promise<void>;
}

const path = '/mcp';
const maxSessions = 512;
const serverError = -32_000;
/** What the SDK's transport answers for a session it does not know; clients then initialize anew. */
const sessionNotFound = -32_001;

/** Streamable HTTP at `http://127.0.0.1:<port>/mcp`, or over TLS for other machines. CONFLICT where the port is taken. */
export async function serveHttp(factory: ServerFactory, options: HttpOptions): Promise<HttpService> {
  const sessions = createHttpSessions({
    factory,
    ttlMs: options.sessionTtlMs ?? 30 * 60_000,
    maxSessions,
    now: Date.now,
    onChange: options.onSessionsChange ?? (() => undefined),
  });
  refuseInTheClear(options);
  const overTls = options.tls === undefined ? undefined : await openTls(options.tls);
  const http = overTls?.server ?? createServer();
  const port = await listen(http, options);
  const { resource } = options;
  const guard = createHttpGuard({
    scheme: overTls === undefined ? 'http' : 'https',
    names: () => overTls?.hosts() ?? [],
    port,
    verify: options.verify,
    resource,
    clients: overTls?.clients,
  });
  http.on('request', (request, response) => {
    void serve(request, response, { guard, sessions, resource }).catch(() => {
      if (response.headersSent) response.destroy();
      else refuse(response, { status: 500, error: { code: -32_603, message: 'Internal error' } });
    });
  });
  const timer = setInterval(sessions.sweep, options.sweepMs ?? 60_000);
  timer.unref();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    clearInterval(timer);
    const closed = once(http, 'close');
    http.close();
    await sessions.closeAll();
    http.closeAllConnections();
    await closed;
  };
  return { port, close: () => (closing ??= close()) };
}

function refuseInTheClear({ host = '127.0.0.1', tls }: HttpOptions): void {
  if (tls !== undefined || loopbackHosts.has(host)) return;
  throw new FleetError('INVALID_INPUT', `Without TLS nothing is served on ${host}.`, {
    next: 'Make certificates with `codex-fleet certs`, or serve on 127.0.0.1.',
  });
}

async function openTls(options: TlsOptions): Promise<TlsServer> {
  const { createTlsServer } = await import('./tls-server.ts');
  return createTlsServer(options);
}

async function listen(http: HttpServer, options: HttpOptions): Promise<number> {
  const { host = '127.0.0.1' } = options;
  http.listen(options.port, host);
  try {
    await once(http, 'listening');
  } catch (error) {
    throw new FleetError('CONFLICT', `Port ${String(options.port)} cannot be listened on.`, {
      next: 'Choose another "http.port" in the configuration, or 0.',
      cause: error,
    });
  }
  const address = http.address();
  return typeof address === 'object' && address !== null ? address.port : options.port;
}

interface Served {
  guard: HttpGuard;
  sessions: HttpSessions;
  resource: ProtectedResource | undefined;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { guard, sessions, resource }: Served,
): Promise<void> {
  const foreign = guard.checkSource(request);
  if (foreign !== undefined) {
    refuse(response, foreign);
    return;
  }
  if (resource !== undefined && request.method === 'GET' && metadataPaths.has(pathOf(request))) {
    response
      .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(JSON.stringify(metadataOf(resource, guard.urlOf(request))));
    return;
  }
  const principal = await guard.identify(request);
  if ('status' in principal) {
    refuse(response, principal);
    return;
  }
  const elsewhere = checkTarget(request);
  if (elsewhere !== undefined) {
    refuse(response, elsewhere);
    return;
  }
  let body: unknown;
  if (request.method === 'POST') {
    const read = await readBody(request);
    if (!read.ok) {
      refuse(response, read.refusal);
      return;
    }
    body = read.value;
  }
  const needed = scopeOf(body);
  if (!allows(principal.scope, needed)) {
    refuse(response, guard.insufficientScope(request, needed));
    return;
  }
  const session = await findSession(request, body, principal, sessions);
  if ('status' in session) {
    refuse(response, session);
    return;
  }
  sessions.track(session, response);
  await session.transport.handleRequest(request, response, body);
  // An initialize the transport refused: nobody was told the id.
  if (session.transport.sessionId === undefined) await session.transport.close();
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}

function checkTarget(request: IncomingMessage): Refusal | undefined {
  if (pathOf(request) !== path) {
    return { status: 404, error: { code: serverError, message: `Only ${path} is served here.` } };
  }
  if (request.method === 'POST' || request.method === 'GET' || request.method === 'DELETE') return undefined;
  const error = { code: serverError, message: 'Method not allowed.' };
  return { status: 405, error, headers: { allow: 'GET, POST, DELETE' } };
}

/** 404 for an id we do not know, a restart included: clients then initialize again. */
async function findSession(
  request: IncomingMessage,
  body: unknown,
  principal: Principal,
  sessions: HttpSessions,
): Promise<HttpSession | Refusal> {
  const id = request.headers['mcp-session-id'];
  if (typeof id === 'string') {
    const unknown = { status: 404, error: { code: sessionNotFound, message: 'Session not found' } };
    return sessions.get(id, principal) ?? unknown;
  }
  if (isInitializeRequest(body)) return sessions.create(principal);
  return {
    status: 400,
    error: { code: serverError, message: 'Begin with initialize, without a session id.' },
  };
}

function refuse(response: ServerResponse, { status, error, headers }: Refusal): void {
  const body = JSON.stringify({ jsonrpc: '2.0', error, id: null });
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}
