import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Principal, Scope } from '../schemas/principal.ts';
import { invalidRequest, maxMessageBytes, messageTooLong, parseError, type RpcError } from './json-rpc.ts';
import type { Verifier } from './verifier.ts';

/** A refusal before any session is involved. */
export interface Refusal {
  status: number;
  error: RpcError;
  headers?: Record<string, string>;
}

/** JSON-RPC's range for servers' own errors. */
const refused = -32_000;

export interface HttpGuard {
  /** Keeps web pages out: Host, then Origin. Undefined where the request may pass. */
  checkSource: (request: IncomingMessage) => Refusal | undefined;
  /** After that: who asks. */
  identify: (request: IncomingMessage) => Promise<Principal | Refusal>;
}

interface GuardOptions {
  scheme: 'http' | 'https';
  /** Names and addresses it is reached by, beside those of the loopback. */
  names: readonly string[];
  /** The one listened on. */
  port: number;
  verify: Verifier;
  /** What a client without a good token is told by `WWW-Authenticate`. */
  challenge: string;
}

/** DNS rebinding needs a foreign Host, and other pages send their Origin. */
export function createHttpGuard({ scheme, names, port, verify, challenge }: GuardOptions): HttpGuard {
  const usual = scheme === 'http' ? 80 : 443;
  const hosts = new Set(
    ['127.0.0.1', 'localhost', '[::1]', ...names].flatMap((name) => [
      `${name.toLowerCase()}:${String(port)}`,
      ...(port === usual ? [name.toLowerCase()] : []),
    ]),
  );
  const origins = new Set([...hosts].map((host) => `${scheme}://${host}`));
  return {
    checkSource({ headers }) {
      if (!hosts.has((headers.host ?? '').toLowerCase())) {
        return { status: 403, error: { code: refused, message: 'This host name is not served here.' } };
      }
      if (headers.origin !== undefined && !origins.has(headers.origin.toLowerCase())) {
        return { status: 403, error: { code: refused, message: 'Requests from this origin are refused.' } };
      }
      return undefined;
    },
    async identify({ headers, socket }) {
      const presented = { authorization: headers.authorization, certificate: certificateOf(socket) };
      const principal = await verify(presented);
      if (principal !== undefined) return principal;
      const message = 'Send the bearer secret from the state folder, or a token of `codex-fleet token`.';
      return { status: 401, error: { code: refused, message }, headers: { 'www-authenticate': challenge } };
    },
  };
}

function certificateOf(socket: Socket): string | undefined {
  if (!isTls(socket) || !socket.authorized) return undefined;
  return fingerprintOf(socket.getPeerCertificate().fingerprint256);
}

/** Without naming the class, whose module nobody needs who speaks to the loopback only. */
function isTls(socket: Socket): socket is TLSSocket {
  return 'getPeerCertificate' in socket;
}

function fingerprintOf(shown: string): string {
  return shown.replaceAll(':', '').toLowerCase();
}

/** RFC 6750, 3.1. */
export function insufficientScope(challenge: string, scope: Scope): Refusal {
  return {
    status: 403,
    error: { code: refused, message: `This token may not do that: it takes the scope "${scope}".` },
    headers: { 'www-authenticate': `${challenge}, error="insufficient_scope", scope="${scope}"` },
  };
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
