import { readParam, type Request } from './message.ts';

/** What the client listens to, for the next coordinator, which does not know of it. */
export interface Subscriptions {
  /** Looks at a request the client makes. */
  asked(request: Request): void;
  /** A request of the client was answered: what it subscribed to is heard from now on. */
  answered(request: Pick<Request, 'method' | 'line'>, isError: boolean): void;
  /** The URIs. */
  all(): string[];
}

/** A coordinator takes no more. */
const most = 256;

export function createSubscriptions(): Subscriptions {
  const uris = new Set<string>();
  return {
    asked({ method, line }) {
      const uri = method === 'resources/unsubscribe' ? readParam(line, 'uri') : undefined;
      if (typeof uri === 'string') uris.delete(uri);
    },
    answered({ method, line }, isError) {
      const uri = method === 'resources/subscribe' && !isError ? readParam(line, 'uri') : undefined;
      if (typeof uri === 'string' && uris.size < most) uris.add(uri);
    },
    all: () => [...uris],
  };
}
