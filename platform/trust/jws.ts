import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { canonicalJson } from '../../core/trust/canonical.ts';
import { parseJson } from '../../core/parse-json.ts';
import { jwsHeader, type JwsType, type Signed } from '../../schemas/descriptor.ts';

/** RFC 7638: SHA-256 of the key's required members, in base64url. */
export function thumbprint(key: string): string {
  return createHash('sha256')
    .update(canonicalJson({ crv: 'Ed25519', kty: 'OKP', x: key }))
    .digest('base64url');
}

/** The 32 bytes of an Ed25519 public key, in base64url. */
export function publicPart(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'jwk' }).x ?? '';
}

export function signClaims(typ: JwsType, claims: object, key: KeyObject): Signed {
  const header = { alg: 'EdDSA', kid: thumbprint(publicPart(key)), typ };
  const protectedPart = encode(canonicalJson(header));
  const payload = encode(canonicalJson(claims));
  const signature = sign(null, Buffer.from(`${protectedPart}.${payload}`), key).toString('base64url');
  return { protected: protectedPart, payload, signature };
}

/**
 * What was signed, parsed only after its signature has held and only from the bytes it holds for;
 * undefined where it does not hold. `keyOf`: the key of a thumbprint, of those that were enrolled. Bytes
 * that are not the canonical JSON of what they say are refused, too: members that come twice, among others.
 */
export function openSigned(
  { protected: protectedPart, payload, signature }: Signed,
  typ: JwsType,
  keyOf: (kid: string) => string | undefined,
): unknown {
  const header = jwsHeader.safeParse(parseCanonical(protectedPart));
  if (!header.success || header.data.typ !== typ) return undefined;
  const key = keyOf(header.data.kid);
  if (key === undefined || thumbprint(key) !== header.data.kid) return undefined;
  const bytes = Buffer.from(`${protectedPart}.${payload}`);
  const holds = verify(null, bytes, publicKey(key), Buffer.from(signature, 'base64url'));
  return holds ? parseCanonical(payload) : undefined;
}

const keys = new Map<string, KeyObject>();
/** Two for each of 64 workers, and as many that were rotated out. */
const maxKeys = 256;

function publicKey(x: string): KeyObject {
  const known = keys.get(x);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  if (keys.size >= maxKeys) keys.clear();
  keys.set(x, key);
  return key;
}

function parseCanonical(part: string): unknown {
  const bytes = Buffer.from(part, 'base64url');
  const text = bytes.toString('utf8');
  const value = parseJson(text);
  try {
    return value !== undefined && bytes.equals(Buffer.from(canonicalJson(value))) ? value : undefined;
  } catch {
    return undefined;
  }
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}
