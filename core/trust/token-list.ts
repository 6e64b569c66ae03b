import type { Scope, TokenRecord } from '../../schemas/principal.ts';

/** The token whose secret stands in the state folder, for the clients of the user. */
export const defaultTokenId = 'default';
export const defaultOwner = 'local';

/** How long what was rotated out stays valid, for clients that still send it. */
export const rotatedForMs = 86_400_000;

interface NewToken {
  id: string;
  owner: string;
  scope: Scope;
  sha256: string;
  now: number;
  expires_at?: number;
  certificate?: string;
}

export function addToken(tokens: readonly TokenRecord[], { now, ...token }: NewToken): TokenRecord[] {
  return [...tokens, { ...token, created_at: now }];
}

/** Without it from now on; undefined where there is none of that id. */
export function revokeToken(tokens: readonly TokenRecord[], id: string): TokenRecord[] | undefined {
  const rest = tokens.filter((token) => token.id !== id && !token.id.startsWith(`${id}.old-`));
  return rest.length < tokens.length ? rest : undefined;
}

/** Another secret under the same id; the one before it ends later. undefined where there is none of that id. */
export function rotateToken(
  tokens: readonly TokenRecord[],
  id: string,
  sha256: string,
  now: number,
): TokenRecord[] | undefined {
  const known = tokens.find((token) => token.id === id);
  if (known === undefined) return undefined;
  const end = Math.min(now + rotatedForMs, known.expires_at ?? Infinity);
  const old = { ...known, id: `${id}.old-${known.sha256.slice(0, 8)}`, expires_at: end };
  const others = tokens.filter((token) => token !== known && token.id !== old.id);
  return [...others, old, { ...known, sha256, created_at: now }];
}

/** The list in which the secret in the state folder is that of the default token. */
export function withDefault(tokens: readonly TokenRecord[], sha256: string, now: number): TokenRecord[] {
  const known = tokens.find((token) => token.id === defaultTokenId);
  if (known?.sha256 === sha256) return [...tokens];
  const others = tokens.filter((token) => token !== known && token.sha256 !== sha256);
  const token = { id: defaultTokenId, owner: defaultOwner, scope: 'run' as const };
  return addToken(others, { ...token, sha256, now });
}
