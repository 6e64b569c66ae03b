import { createLocalJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { highest } from '../core/trust/scopes.ts';
import type { KeySource } from '../platform/trust/key-set.ts';
import type { KeySet, OAuth } from '../schemas/oauth.ts';
import type { Scope } from '../schemas/principal.ts';
import { bearerOf, type Presented, type Verdict, type Verifier } from './verifier.ts';

/** Signatures by a key pair only: with HS256 whoever knows the public key could sign. */
const algorithms = [
  'EdDSA',
  'Ed25519',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
];
/** Of access tokens (RFC 9068), and what most issuers still write; not of others they sign, such as for logging out. */
const types = new Set(['at+jwt', 'application/at+jwt', 'jwt']);
/** How far the clocks of two machines may be apart, s. */
const skewS = 30;

/**
 * Knows access tokens (JWT) of one issuer that are made for this resource. The owner is issuer and subject;
 * it holds a `#`, so that no token of this program can be given the same.
 */
export function oauthVerifier(
  { issuer, audience, scopes }: Pick<OAuth, 'issuer' | 'audience' | 'scopes'>,
  keys: KeySource,
  now: () => number,
): Verifier {
  /** With their imported keys. */
  const opened = new WeakMap<KeySet, JWTVerifyGetKey>();
  function keysOf(known: KeySet): JWTVerifyGetKey {
    const open = opened.get(known) ?? createLocalJWKSet(known);
    opened.set(known, open);
    return open;
  }
  async function claimsOf(token: string, resource: string): Promise<JWTPayload | 'unavailable' | undefined> {
    const open = async (known: KeySet): Promise<JWTPayload | undefined> => {
      const { payload, protectedHeader: head } = await jwtVerify(token, keysOf(known), {
        issuer,
        audience: audience ?? resource,
        algorithms,
        clockTolerance: skewS,
        currentDate: new Date(now()),
        requiredClaims: ['exp', 'sub'],
      });
      return types.has(head.typ?.toLowerCase() ?? '') && head.kid !== undefined ? payload : undefined;
    };
    const known = await keys.current();
    if (known === undefined) return 'unavailable';
    try {
      return await open(known);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) return undefined;
    }
    const others = await keys.another();
    return others === undefined || others === known ? undefined : open(others).catch(() => undefined);
  }
  return async ({ authorization, certificate, resource }: Presented): Promise<Verdict> => {
    const token = bearerOf(authorization);
    if (token === undefined || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined;
    const claims = await claimsOf(token, resource);
    if (claims === undefined || claims === 'unavailable') return claims;
    const { sub } = claims;
    // Control characters would travel into logs and listings.
    if (sub === undefined || !/^[\x20-\x7e]{1,255}$/.test(sub) || !isBoundTo(claims, certificate))
      return undefined;
    const granted = scopesIn(claims, scopes);
    return granted.length === 0 ? 'no_scope' : { owner: `${issuer}#${sub}`, scope: highest(granted) };
  };
}

/** What binds a token (RFC 7800) has to be shown: a certificate (RFC 8705) is; other proofs are not known here. */
function isBoundTo({ cnf }: JWTPayload, certificate: string | undefined): boolean {
  if (cnf === undefined) return true;
  const shown = certificate === undefined ? undefined : Buffer.from(certificate, 'hex').toString('base64url');
  if (typeof cnf !== 'object' || cnf === null || Object.keys(cnf).join() !== 'x5t#S256') return false;
  return shown !== undefined && Object.values(cnf)[0] === shown;
}

/** From `scope` (RFC 9068), or `scp`, which others write. */
function scopesIn({ scope, scp }: JWTPayload, names: OAuth['scopes']): Scope[] {
  const said: unknown[] = [scope, scp].flatMap((one: unknown): unknown[] =>
    Array.isArray(one) ? one : [one],
  );
  const words = new Set(said.flatMap((one) => (typeof one === 'string' ? one.split(' ') : [])));
  return (['read', 'run', 'admin'] as const).filter((one) => words.has(names[one]));
}
