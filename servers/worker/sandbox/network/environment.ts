import type { NetworkGrant } from '../../../../schemas/network.ts';

/** In a network of its own nobody else can have it. */
export const relayPort = 3128;

const ownNames = ['localhost', '127.0.0.1', '::1'];

/**
 * Variables by which programs go to the proxy: curl, Git, npm, pip, and Node from 24 on. What a run listens
 * on itself is asked directly, unless the machine's is listed under that name.
 */
export function proxyVariables(grant: NetworkGrant): Record<string, string> {
  const proxy = `http://127.0.0.1:${String(relayPort)}`;
  const listed = typeof grant === 'boolean' ? [] : grant.map((text) => text.toLowerCase());
  const isListed = (name: string): boolean =>
    listed.some((text) => text === name || text.startsWith(`${name}:`) || text.startsWith(`[${name}]`));
  const variables = {
    http_proxy: proxy,
    https_proxy: proxy,
    all_proxy: proxy,
    no_proxy: ownNames.filter((name) => !isListed(name)).join(','),
  };
  const upper = Object.entries(variables).map(([name, value]) => [name.toUpperCase(), value]);
  return { ...variables, ...Object.fromEntries(upper), NODE_USE_ENV_PROXY: '1' };
}
