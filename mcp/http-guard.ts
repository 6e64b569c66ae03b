import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { invalidRequest, maxMessageBytes, messageTooLong, parseError, type RpcError } from './json-rpc.ts';

/** A refusal before any session is involved. */
export interface Refusal {
  status: number;
  error: RpcError;
  headers?: Record<string, string>;
}

/** JSON-RPC's range for servers' own errors. */
const refused = -32_000;

export interface HttpGuard {
  /** In order: Host, Origin, bearer. Undefined where the request may pass. */
  check: (request: IncomingMessage) => Refusal | undefined;
}

/**
 * Keeps web pages out (DNS rebinding needs a foreign Host, other pages send their Origin) and
 * everyone without the secret. `port` is the one listened on.
 */
export function createHttpGuard(port: number, secret: string): HttpGuard {
  const hosts = new Set(['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${String(port)}`));
  const origins = new Set([...hosts].map((host) => `http://${host}`));
  const expected = digest(`Bearer ${secret}`);
  const check = ({ headers }: IncomingMessage): Refusal | undefined => {
    if (!hosts.has((headers.host ?? '').toLowerCase())) {
      return { status: 403, error: { code: refused, message: 'This host name is not served here.' } };
    }
    if (headers.origin !== undefined && !origins.has(headers.origin.toLowerCase())) {
      return { status: 403, error: { code: refused, message: 'Requests from this origin are refused.' } };
    }
    // Digests have one length, which timingSafeEqual needs, and tell nothing of the secret's.
    if (!timingSafeEqual(digest(headers.authorization ?? ''), expected)) {
      const message = 'Send the bearer secret from the state folder.';
      return { status: 401, error: { code: refused, message }, headers: { 'www-authenticate': 'Bearer' } };
    }
    return undefined;
  };
  return { check };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
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
