import type { IncomingMessage } from 'node:http';
import { parseAuthority, type Host } from '../../../../core/network-grant.ts';

/** Where a request wants to go. */
export interface Asked {
  host: Host;
  port: number;
}

/** Why a request is answered without being passed on; a line of text, in which nothing of it is said. */
export interface Refused {
  status: 400 | 403 | 405 | 502;
  why: string;
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const badSpelling: Refused = { status: 400, why: 'the host is not spelled plainly, as HOST:PORT' };

/** `CONNECT HOST:PORT`. */
export function askedByConnect(request: IncomingMessage): Asked | Refused {
  const asked = parseAuthority(request.url ?? '');
  if (asked?.port === undefined) return badSpelling;
  const { host, port } = asked;
  return hostDiffers(request, host, port, port) ?? { host, port };
}

/** `GET http://HOST[:PORT]/path`, and the path. */
export function askedByRequest(request: IncomingMessage): (Asked & { path: string }) | Refused {
  if (!methods.has(request.method ?? '')) return { status: 405, why: 'the method is not passed on' };
  const [, authority = '', path = ''] = /^http:\/\/([^/?#]*)([^#]*)$/i.exec(request.url ?? '') ?? [];
  const asked = parseAuthority(authority);
  if (asked === undefined) return badSpelling;
  const { host, port = 80 } = asked;
  return (
    hostDiffers(request, host, port, 80) ?? { host, port, path: path.startsWith('/') ? path : `/${path}` }
  );
}

/** What the header `Host` says must be the same, and be said once: who is asked may go by either. */
function hostDiffers(
  { rawHeaders }: IncomingMessage,
  host: Host,
  port: number,
  usual: number,
): Refused | undefined {
  const said = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'host');
  const isSame = said.every((text) => {
    const other = parseAuthority(text);
    return other?.host.name === host.name && (other.port ?? usual) === port;
  });
  if (said.length < 2 && isSame) return undefined;
  return { status: 400, why: 'the header "Host" names another host' };
}
