import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { metaPrefix } from './discovery.ts';
import { isRecord } from './json-rpc.ts';

type Json = Record<string, unknown>;

/** `subscriptions/listen` of MCP 2026-07-28, carried out by a server that knows `resources/subscribe`. */
export interface Listening {
  /** Agrees to what the server has of it: resources; lists of ours never change. */
  begin(id: RequestId, params: Json): Promise<void>;
  /** Whether the request of this id was listening. */
  end(id: unknown): boolean;
  /** Takes an answer of the server to a request made here. */
  took(message: JSONRPCMessage): boolean;
  /** A message of the server as its listeners get it, each its own. */
  marked(message: JSONRPCMessage): JSONRPCMessage[];
}

const ownId = 'codex-fleet-listen:';

/** `ask` puts a request to the server, `send` a message to the client. */
export function createListening(
  ask: (message: JSONRPCMessage) => void,
  send: (message: JSONRPCMessage) => void,
): Listening {
  const listeners = new Map<RequestId, Set<string>>();
  const waiting = new Map<RequestId, (agreed: boolean) => void>();
  let asked = 0;

  function request(method: string, uri: string): Promise<boolean> {
    asked += 1;
    const id = `${ownId}${String(asked)}`;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      ask({ jsonrpc: '2.0', id, method, params: { uri } });
    });
  }
  return {
    async begin(id, { notifications }) {
      const listed = isRecord(notifications) ? notifications['resourceSubscriptions'] : undefined;
      const wanted = Array.isArray(listed) ? listed.filter((uri) => typeof uri === 'string') : undefined;
      const heard = new Set<string>();
      listeners.set(id, heard);
      for (const uri of wanted ?? []) if (await request('resources/subscribe', uri)) heard.add(uri);
      if (listeners.get(id) !== heard) return;
      send({
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: {
          _meta: { [`${metaPrefix}subscriptionId`]: id },
          notifications: wanted === undefined ? {} : { resourceSubscriptions: [...heard] },
        },
      });
    },
    end(id) {
      if (typeof id !== 'string' && typeof id !== 'number') return false;
      const heard = listeners.get(id);
      if (heard === undefined) return false;
      listeners.delete(id);
      const others = [...listeners.values()];
      for (const uri of heard) {
        if (!others.some((other) => other.has(uri))) void request('resources/unsubscribe', uri);
      }
      return true;
    },
    took(message) {
      if ('method' in message || message.id === undefined) return false;
      const settle = waiting.get(message.id);
      waiting.delete(message.id);
      settle?.('result' in message);
      return settle !== undefined;
    },
    marked(message) {
      if (!('method' in message) || message.method !== 'notifications/resources/updated') return [message];
      const uri = isRecord(message.params) ? message.params['uri'] : undefined;
      const ids = [...listeners].flatMap(([id, heard]) =>
        typeof uri === 'string' && heard.has(uri) ? [id] : [],
      );
      if (ids.length === 0) return [message];
      return ids.map((id) => ({
        ...message,
        params: { ...message.params, _meta: { [`${metaPrefix}subscriptionId`]: id } },
      }));
    },
  };
}
