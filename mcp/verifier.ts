import { createHash, timingSafeEqual } from 'node:crypto';
import type { Principal, TokenRecord } from '../schemas/principal.ts';

/** What a request brings to show who it comes from. */
export interface Presented {
  /** The header `Authorization`. */
  authorization: string | undefined;
  /** SHA-256 of the client's certificate, in hex, where TLS has asked for one and found it good. */
  certificate: string | undefined;
  /** The URL it was sent to, by a Host that is ours. */
  resource: string;
}

/**
 * Who a request comes from. undefined: nobody we know. `no_scope`: somebody who may do nothing here.
 * `unavailable`: it cannot be told now.
 */
export type Verdict = Principal | 'no_scope' | 'unavailable' | undefined;

/** Every way to know somebody is one of these. */
export type Verifier = (presented: Presented) => Verdict | Promise<Verdict>;

/** Knows whom one of them knows. */
export function eitherOf(first: Verifier, second: Verifier): Verifier {
  return async (presented) => (await first(presented)) ?? second(presented);
}

/** What `Bearer` carries; the scheme is not case-sensitive (RFC 9110, 11.1). */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +(.{1,8192})$/i.exec(authorization ?? '')?.[1];
}

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/**
 * Knows tokens by their hashes, those of the moment. Hashes have one length, which timingSafeEqual needs,
 * and all are compared, so that the time it takes tells nothing.
 */
export function tokenVerifier(tokens: () => readonly TokenRecord[], now: () => number): Verifier {
  return ({ authorization, certificate }) => {
    const digest = digestOf(bearerOf(authorization) ?? '');
    let found: Principal | undefined;
    for (const token of tokens()) {
      const isSame = timingSafeEqual(digest, Buffer.from(token.sha256, 'hex'));
      const isValid = token.expires_at === undefined || now() < token.expires_at;
      const isBound = token.certificate === undefined || isSameHash(token.certificate, certificate);
      if (isSame && isValid && isBound) found = { owner: token.owner, scope: token.scope };
    }
    return found;
  };
}

function isSameHash(expected: string, shown: string | undefined): boolean {
  return shown !== undefined && timingSafeEqual(Buffer.from(expected, 'hex'), Buffer.from(shown, 'hex'));
}

/** The coordinator to its worker, and the user alone: may do everything. */
const soleOwner: Principal = { owner: 'local', scope: 'admin' };

/** Knows one secret; with `certificate`, only over a connection that shows it. */
export function secretVerifier(secret: string, principal = soleOwner, certificate?: string): Verifier {
  const bound = certificate !== undefined && { certificate };
  const sha256 = digestOf(secret).toString('hex');
  const record = { id: 'secret', ...principal, sha256, created_at: 0, ...bound };
  return tokenVerifier(() => [record], Date.now);
}
