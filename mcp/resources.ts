import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { createCoalescer } from './coalesce.ts';

/** MCP 2025-11-25, server/resources: the code of a resource there is none of. */
export const resourceNotFound = -32_002;

export interface ResourceTemplate {
  uriTemplate: string;
  name: string;
  description: string;
  mimeType: string;
}

export interface ResourceEntry {
  uri: string;
  name: string;
  title?: string;
  mimeType: string;
  /** Bytes. */
  size?: number;
}

/** Content of a resource, or of a part of it under another URI. */
export type ResourceContent = { uri?: string; mimeType: string } & ({ text: string } | { blob: string });

/** What can be read by URI, and listened to. Everything is asked for by owner. */
export interface ResourceSource {
  readonly templates: readonly ResourceTemplate[];
  /** A page; undefined for a cursor no page gave. */
  list(cursor: string | undefined, owner: string): Promise<ResourcePage | undefined>;
  /** undefined where the owner has no such resource. */
  read(uri: string, owner: string): Promise<ResourceContent[] | undefined>;
  /** Calls `changed` until what it answers is called; undefined as `read`. */
  watch(uri: string, owner: string, changed: () => void): Promise<(() => void) | undefined>;
}

export interface ResourcePage {
  resources: ResourceEntry[];
  nextCursor?: string;
}

/** The resources of one connection: its requests by method, and what it listens to. */
export interface ResourceDesk {
  /** The result; undefined for a method that is none of resources. */
  answer(method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> | undefined;
  close(): void;
}

/** A client that listens to more is refused, so that nothing grows without end. */
const maxSubscriptions = 256;
/** Changes closer together than this are told as one. */
const quietMs = 500;

export function createResourceDesk(
  source: ResourceSource,
  owner: string,
  updated: (uri: string) => void,
): ResourceDesk {
  const subscriptions = new Map<string, () => void>();
  let closed = false;

  async function read(uri: string): Promise<Record<string, unknown>> {
    const found = await source.read(uri, owner);
    if (found === undefined) throw notFound(uri);
    return { contents: found.map((content) => ({ uri, ...content })) };
  }
  async function list(cursor: unknown): Promise<Record<string, unknown>> {
    const page = await source.list(typeof cursor === 'string' ? cursor : undefined, owner);
    if (page === undefined) throw new McpError(ErrorCode.InvalidParams, 'cursor is not one that was given');
    return { ...page };
  }
  async function subscribe(uri: string): Promise<Record<string, unknown>> {
    if (subscriptions.has(uri)) return {};
    if (subscriptions.size >= maxSubscriptions) {
      throw new McpError(ErrorCode.InvalidParams, `at most ${String(maxSubscriptions)} subscriptions`);
    }
    const told = createCoalescer(() => updated(uri), quietMs);
    const unwatch = await source.watch(uri, owner, told.poke);
    if (unwatch === undefined) throw notFound(uri);
    const stop = (): void => {
      unwatch();
      told.close();
    };
    // The client may have left, or asked twice, while it was looked up.
    if (closed || subscriptions.has(uri)) stop();
    else subscriptions.set(uri, stop);
    return {};
  }
  function unsubscribe(uri: string): Record<string, unknown> {
    subscriptions.get(uri)?.();
    subscriptions.delete(uri);
    return {};
  }
  return {
    answer(method, params) {
      switch (method) {
        case 'resources/list':
          return list(params['cursor']);
        case 'resources/templates/list':
          return Promise.resolve({ resourceTemplates: source.templates });
        case 'resources/read':
          return withUri(params, read);
        case 'resources/subscribe':
          return withUri(params, subscribe);
        case 'resources/unsubscribe':
          return withUri(params, async (uri) => unsubscribe(uri));
        default:
          return undefined;
      }
    },
    close() {
      closed = true;
      for (const stop of subscriptions.values()) stop();
      subscriptions.clear();
    },
  };
}

async function withUri(
  { uri }: Record<string, unknown>,
  work: (uri: string) => Promise<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  if (typeof uri !== 'string') throw new McpError(ErrorCode.InvalidParams, 'params.uri must be a string');
  return work(uri);
}

function notFound(uri: string): McpError {
  return new McpError(resourceNotFound, 'Resource not found', { uri: uri.slice(0, 200) });
}
