import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, MessageExtraInfo, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { isRecord } from './json-rpc.ts';
import { tasksExtension, type TaskSource } from './tasks.ts';

const prefix = 'io.modelcontextprotocol/';
export const statelessVersion = '2026-07-28';

const unsupportedVersion = -32_022;
const missingCapability = -32_021;
const invalidParams = -32_602;

export interface DualEraOptions {
  serverInfo: { name: string; version: string };
  capabilities: Record<string, unknown>;
  instructions: string;
  tasks?: TaskSource | undefined;
}

type Json = Record<string, unknown>;

interface Asked {
  method: string;
  tool: string;
  takesTasks: boolean;
}

/**
 * Lets a server of the `initialize` era also answer stateless clients (MCP 2026-07-28) on one and
 * the same connection: `server/discover`, `subscriptions/listen`, the fields every result needs
 * there, and the tasks extension. A message without the era's `_meta` passes untouched.
 */
export function dualEra(inner: Transport, options: DualEraOptions): Transport {
  const asked = new Map<RequestId, Asked>();
  let listening: RequestId | undefined;

  const withServer = (result: Json): Json => ({
    ...result,
    _meta: {
      ...(isRecord(result['_meta']) ? result['_meta'] : {}),
      [`${prefix}serverInfo`]: options.serverInfo,
    },
  });
  const answer = (id: RequestId, result: Json): void => {
    void inner.send({ jsonrpc: '2.0', id, result: withServer({ resultType: 'complete', ...result }) });
  };
  const refuse = (id: RequestId, code: number, message: string, data?: Json): void => {
    void inner.send({
      jsonrpc: '2.0',
      id,
      error: { code, message, ...(data === undefined ? {} : { data }) },
    });
  };

  const onTask = async (id: RequestId, method: string, params: Json, tasks: TaskSource): Promise<void> => {
    const taskId = params['taskId'];
    if (typeof taskId !== 'string') {
      refuse(id, invalidParams, 'params.taskId must be a string');
      return;
    }
    const responses = isRecord(params['inputResponses']) ? params['inputResponses'] : {};
    const found =
      method === 'tasks/get'
        ? await tasks.get(taskId)
        : method === 'tasks/cancel'
          ? await tasks.cancel(taskId)
          : await tasks.update(taskId, responses);
    if (found === undefined || found === false) refuse(id, invalidParams, 'Unknown task');
    else answer(id, found === true ? {} : { ...found });
  };

  /** Answers what this layer knows by itself; false where the server has to. */
  const handled = (id: RequestId, method: string, params: Json): boolean => {
    if (method === 'server/discover') {
      const extensions = options.tasks === undefined ? {} : { extensions: { [tasksExtension]: {} } };
      answer(id, {
        supportedVersions: [statelessVersion],
        capabilities: { ...options.capabilities, ...extensions },
        instructions: options.instructions,
        ttlMs: 0,
        cacheScope: 'private',
      });
      return true;
    }
    if (method === 'subscriptions/listen') {
      listening = id;
      void inner.send({
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: { _meta: { [`${prefix}subscriptionId`]: id }, notifications: params['notifications'] ?? {} },
      });
      return true;
    }
    if (method !== 'tasks/get' && method !== 'tasks/cancel' && method !== 'tasks/update') return false;
    if (options.tasks === undefined) return false;
    if (!declaresTasks(params)) {
      refuse(id, missingCapability, 'Missing required client capability', {
        requiredCapabilities: { extensions: { [tasksExtension]: {} } },
      });
      return true;
    }
    onTask(id, method, params, options.tasks).catch((error: unknown) => {
      refuse(id, -32_603, 'The task cannot be read.');
      transport.onerror?.(error instanceof Error ? error : new Error('task failed'));
    });
    return true;
  };

  const receive = (message: JSONRPCMessage, extra?: MessageExtraInfo): void => {
    if (!('method' in message)) {
      transport.onmessage?.(message, extra);
      return;
    }
    const params: Json = isRecord(message.params) ? message.params : {};
    const cancelled = message.method === 'notifications/cancelled' ? params['requestId'] : undefined;
    if (cancelled !== undefined && cancelled === listening) {
      listening = undefined;
      return;
    }
    const version = metaOf(params)[`${prefix}protocolVersion`];
    const stateless = version !== undefined || message.method === 'server/discover';
    if (!stateless || !('id' in message)) {
      transport.onmessage?.(message, extra);
      return;
    }
    if (version !== undefined && version !== statelessVersion) {
      refuse(message.id, unsupportedVersion, 'Unsupported protocol version', {
        supported: [statelessVersion],
        requested: version,
      });
      return;
    }
    if (handled(message.id, message.method, params)) return;
    const tool = typeof params['name'] === 'string' ? params['name'] : '';
    asked.set(message.id, { method: message.method, tool, takesTasks: declaresTasks(params) });
    transport.onmessage?.(message, extra);
  };

  const complete = async (request: Asked, result: Json): Promise<Json> => {
    if (request.method === 'tools/call' && request.takesTasks && result['isError'] !== true) {
      const task = await options.tasks?.fromResult(request.tool, result);
      if (task !== undefined) return withServer({ ...task, resultType: 'task' });
    }
    const cacheable = request.method.endsWith('/list') || request.method === 'resources/read';
    return withServer({
      resultType: 'complete',
      ...result,
      ...(cacheable ? { ttlMs: 0, cacheScope: 'private' } : {}),
    });
  };

  const send = async (message: JSONRPCMessage, sendOptions?: TransportSendOptions): Promise<void> => {
    if ('method' in message || message.id === undefined) return inner.send(message, sendOptions);
    const request = asked.get(message.id);
    if (request === undefined) return inner.send(message, sendOptions);
    asked.delete(message.id);
    if (!('result' in message)) return inner.send(message, sendOptions);
    return inner.send({ ...message, result: await complete(request, message.result) }, sendOptions);
  };

  const transport: Transport = {
    start: () => {
      inner.onclose = () => transport.onclose?.();
      inner.onerror = (error) => transport.onerror?.(error);
      inner.onmessage = receive;
      return inner.start();
    },
    send,
    close: () => inner.close(),
    setProtocolVersion: (version) => inner.setProtocolVersion?.(version),
  };
  return transport;
}

function metaOf(params: Json): Json {
  return isRecord(params['_meta']) ? params['_meta'] : {};
}

/** Whether this very request says its client takes a task for an answer; earlier ones do not count. */
function declaresTasks(params: Json): boolean {
  const capabilities = metaOf(params)[`${prefix}clientCapabilities`];
  const extensions = isRecord(capabilities) ? capabilities['extensions'] : undefined;
  return isRecord(extensions) && tasksExtension in extensions;
}
