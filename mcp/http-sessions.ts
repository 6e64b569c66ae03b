import { randomUUID } from 'node:crypto';
import type { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { ServerResponse } from 'node:http';
import type { Principal } from '../schemas/principal.ts';
import type { ServerFactory } from './build-server.ts';

export interface HttpSession {
  id: string;
  /** Who began it: to anybody else it does not exist. */
  principal: Principal;
  transport: StreamableHTTPServerTransport;
  /** Responses under way, a GET's event stream among them. */
  open: number;
  lastUsedMs: number;
}

export interface SessionOptions {
  factory: ServerFactory;
  /** A session nobody talks to or listens on ends after this long: many clients never send DELETE. */
  ttlMs: number;
  /** Above this many the longest unused ends, unless it is in use. */
  maxSessions: number;
  now: () => number;
  onChange: (count: number) => void;
}

export interface HttpSessions {
  get: (id: string, principal: Principal) => HttpSession | undefined;
  create: (principal: Principal) => Promise<HttpSession>;
  /** Counts a response as use of the session until it is over. */
  track: (session: HttpSession, response: ServerResponse) => void;
  /** Ends what is past its time. */
  sweep: () => void;
  closeAll: () => Promise<void>;
}

/** Sessions of Streamable HTTP: each with a transport and a server of its own. */
export function createHttpSessions(options: SessionOptions): HttpSessions {
  const sessions = new Map<string, HttpSession>();

  const create = async (principal: Principal): Promise<HttpSession> => {
    // Loaded for the first of them: it brings fetch and all of it, several MB.
    const { StreamableHTTPServerTransport } =
      await import('@modelcontextprotocol/sdk/server/streamableHttp.js');
    const id = randomUUID();
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => id });
    transport.onclose = () => {
      if (sessions.delete(id)) options.onChange(sessions.size);
    };
    const session: HttpSession = { id, principal, transport, open: 0, lastUsedMs: options.now() };
    await options.factory({ overUrl: true, principal }).connect(transport);
    sessions.set(id, session);
    options.onChange(sessions.size);
    evict();
    return session;
  };
  const end = (session: HttpSession): void => {
    void session.transport.close();
  };
  const evict = (): void => {
    if (sessions.size <= options.maxSessions) return;
    const idle = [...sessions.values()].filter((session) => session.open === 0);
    const oldest = idle.sort((a, b) => a.lastUsedMs - b.lastUsedMs)[0];
    if (oldest !== undefined) end(oldest);
  };
  const sweep = (): void => {
    const before = options.now() - options.ttlMs;
    for (const session of sessions.values())
      if (session.open === 0 && session.lastUsedMs <= before) end(session);
  };
  const track = (session: HttpSession, response: ServerResponse): void => {
    session.open += 1;
    response.once('close', () => {
      session.open -= 1;
      session.lastUsedMs = options.now();
    });
  };
  const closeAll = async (): Promise<void> => {
    await Promise.all([...sessions.values()].map((session) => session.transport.close()));
  };
  const get = (id: string, { owner, scope }: Principal): HttpSession | undefined => {
    const session = sessions.get(id);
    const isSame = session?.principal.owner === owner && sees(session.principal.scope) === sees(scope);
    return isSame ? session : undefined;
  };
  return { get, create, track, sweep, closeAll };
}

/** A session shows what its first request may see: with a token that may see less, it is another one. */
function sees(scope: Principal['scope']): 'all' | 'own' {
  return scope === 'admin' ? 'all' : 'own';
}
