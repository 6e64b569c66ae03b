import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Principal, Scope } from '../schemas/principal.ts';
import { invalidRequest, maxMessageBytes, messageTooLong, parseError, type RpcError } from './json-rpc.ts';
import { challengeOf, type Challenge, type ProtectedResource } from './protected-resource.ts';
import { bearerOf, type Verifier } from './verifier.ts';

/** A refusal before any session is involved. */
export interface Refusal {
  status: number;
  error: RpcError;
  headers?: Record<string, string>;
}

/** JSON-RPC's range for servers' own errors. */
const refused = -32_000;

/** Not 401: the token may be good, and the client would throw it away. */
const noKeys: Refusal = {
  status: 503,
  error: { code: refused, message: 'The keys of the authorization server cannot be had now.' },
  headers: { 'retry-after': '5' },
};

export interface HttpGuard {
  /** Keeps web pages out: Host, then Origin. Undefined where the request may pass. */
  checkSource: (request: IncomingMessage) => Refusal | undefined;
  /** After that: who asks. */
  identify: (request: IncomingMessage) => Promise<Principal | Refusal>;
  /** And whether that may. */
  insufficientScope: (request: IncomingMessage, needed: Scope) => Refusal;
  /** What is served, as the client has it. */
  urlOf: (request: IncomingMessage) => string;
}

interface GuardOptions {
  scheme: 'http' | 'https';
  /** Names and addresses it is reached by now, beside those of the loopback. */
  names: () => readonly string[];
  /** The one listened on. */
  port: number;
  verify: Verifier;
  /** Where access tokens of an authorization server are taken. */
  resource: ProtectedResource | undefined;
  /** Over TLS: the certificates of clients, at least one of which is to be shown; without, none has to be. */
  clients?: (() => ReadonlySet<string>) | undefined;
}

/** DNS rebinding needs a foreign Host, and other pages send their Origin. */
export function createHttpGuard(options: GuardOptions): HttpGuard {
  const { scheme, names, port, verify, resource, clients } = options;
  const usual = scheme === 'http' ? 80 : 443;
  const isOurs = (host: string): boolean =>
    ['127.0.0.1', 'localhost', '[::1]', ...names()].some((name) => {
      const own = name.toLowerCase();
      return host === `${own}:${String(port)}` || (port === usual && host === own);
    });
  const isOwnOrigin = (origin: string): boolean =>
    origin.startsWith(`${scheme}://`) && isOurs(origin.slice(scheme.length + 3));
  const urlOf = ({ headers }: IncomingMessage): string =>
    new URL(`${scheme}://${(headers.host ?? '').toLowerCase()}/mcp`).href;
  const challenge = (request: IncomingMessage, what: Challenge): Record<string, string> => ({
    'www-authenticate': challengeOf(resource, urlOf(request), what),
  });
  const insufficientScope = (request: IncomingMessage, scope: Scope): Refusal => ({
    status: 403,
    error: { code: refused, message: `This token may not do that: it takes the scope "${scope}".` },
    headers: challenge(request, { error: 'insufficient_scope', scope }),
  });
  return {
    urlOf,
    insufficientScope,
    checkSource({ headers }) {
      if (!isOurs((headers.host ?? '').toLowerCase())) {
        return { status: 403, error: { code: refused, message: 'This host name is not served here.' } };
      }
      if (headers.origin !== undefined && !isOwnOrigin(headers.origin.toLowerCase())) {
        return { status: 403, error: { code: refused, message: 'Requests from this origin are refused.' } };
      }
      return undefined;
    },
    async identify(request) {
      const { headers, socket } = request;
      const shown = certificateOf(socket);
      const bad = clients === undefined ? shown.why : whyNot(shown, clients());
      if (bad !== undefined) return { status: 401, error: { code: refused, message: bad } };
      const { authorization } = headers;
      const verdict = await verify({ authorization, certificate: shown.sha256, resource: urlOf(request) });
      if (verdict === 'no_scope') return insufficientScope(request, 'read');
      if (verdict === 'unavailable') return noKeys;
      if (verdict !== undefined) return verdict;
      const message = 'Send the bearer secret from the state folder, or a token of `codex-fleet token`.';
      // Only who has sent something is told that it is wrong. The scope: what one asks the authorization server for.
      const what: Challenge = {
        ...(bearerOf(authorization) !== undefined && { error: 'invalid_token' }),
        ...(resource !== undefined && { scope: 'run' }),
      };
      return { status: 401, error: { code: refused, message }, headers: challenge(request, what) };
    },
  };
}

interface Shown {
  /** SHA-256 of the certificate that was shown and is good. */
  sha256?: string;
  /** Why the one that was shown is not. */
  why?: string;
}

/** Judged at each request: connections live longer than certificates. */
function certificateOf(socket: Socket): Shown {
  if (!isTls(socket)) return {};
  const { fingerprint256, valid_to: end } = socket.getPeerCertificate();
  // Without one there is nothing in it, whatever its type says.
  if (typeof fingerprint256 !== 'string') return {};
  if (Date.parse(end) <= Date.now()) {
    return { why: `Your certificate expired on ${end}: make another with \`codex-fleet certs\`.` };
  }
  if (!socket.authorized) return { why: 'Your certificate is not of the authority that counts here.' };
  return { sha256: fingerprintOf(fingerprint256) };
}

function whyNot({ sha256, why }: Shown, clients: ReadonlySet<string>): string | undefined {
  if (why !== undefined) return why;
  if (sha256 === undefined) return 'Show a client certificate of `codex-fleet certs`.';
  return clients.has(sha256) ? undefined : 'This certificate is not among the clients of this server.';
}

/** Without naming the class, whose module nobody needs who speaks to the loopback only. */
function isTls(socket: Socket): socket is TLSSocket {
  return 'getPeerCertificate' in socket;
}

function fingerprintOf(shown: string): string {
  return shown.replaceAll(':', '').toLowerCase();
}

export type Body = { ok: true; value: unknown } | { ok: false; refusal: Refusal };

/** Reads a POST's JSON: 413 over the limit, without reading on; 400 for what is not JSON. */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const tooLong: Body = {
    ok: false,
    refusal: { status: 413, error: messageTooLong, headers: { connection: 'close' } },
  };
  if (Number(request.headers['content-length'] ?? 0) > maxMessageBytes) return tooLong;
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop must not destroy the request: its socket still carries the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(chunk)) return { ok: false, refusal: { status: 400, error: invalidRequest } };
    bytes += chunk.length;
    if (bytes > maxMessageBytes) return tooLong;
    chunks.push(chunk);
  }
  try {
    return { ok: true, value: JSON.parse(Buffer.concat(chunks).toString('utf8')) };
  } catch {
    return { ok: false, refusal: { status: 400, error: parseError } };
  }
}
