import type { Scope } from '../schemas/principal.ts';
import type { OAuth } from '../schemas/oauth.ts';

/** What clients are told of where their tokens come from. */
export type ProtectedResource = Pick<OAuth, 'issuer' | 'audience' | 'scopes'>;

/** Where the metadata of `/mcp` are: with the path of the resource (RFC 9728, 3.1), and without. */
const wellKnown = '/.well-known/oauth-protected-resource';
export const metadataPaths: ReadonlySet<string> = new Set([wellKnown, `${wellKnown}/mcp`]);

/** RFC 9728, 2. `url`: as the client has it, which compares. */
export function metadataOf({ issuer, audience, scopes }: ProtectedResource, url: string): object {
  return {
    resource: audience !== undefined && URL.canParse(audience) ? audience : url,
    authorization_servers: [issuer],
    scopes_supported: [scopes.read, scopes.run, scopes.admin],
    bearer_methods_supported: ['header'],
    resource_name: 'codex-fleet',
  };
}

export interface Challenge {
  error?: 'invalid_token' | 'insufficient_scope';
  /** The one it takes. */
  scope?: Scope;
}

/** `WWW-Authenticate` (RFC 6750, 3; RFC 9728, 5.1). `url`: of the resource, as the client has it. */
export function challengeOf(
  resource: ProtectedResource | undefined,
  url: string,
  { error, scope }: Challenge,
): string {
  const place = new URL(`${wellKnown}/mcp`, url).href;
  const parts = [
    ...(resource === undefined ? [] : [`resource_metadata="${place}"`]),
    ...(error === undefined ? [] : [`error="${error}"`]),
    ...(scope === undefined ? [] : [`scope="${resource?.scopes[scope] ?? scope}"`]),
  ];
  return parts.length === 0 ? 'Bearer' : `Bearer ${parts.join(', ')}`;
}
