import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import type {
  JSONRPCErrorResponse,
  JSONRPCMessage,
  MessageExtraInfo,
  RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import { discovery, metaPrefix, statelessVersion } from './discovery.ts';
import { isRecord } from './json-rpc.ts';
import { createListening } from './listening.ts';
import { offersForms } from './connection.ts';
import { resourceNotFound } from './resources.ts';
import { tasksExtension, type TaskSource, type TaskView } from './tasks.ts';

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
  /** The request may be answered by a task: its client takes one, and its call can be one. */
  offersTask: boolean;
}

/**
 * Lets a server of the `initialize` era also answer stateless clients (MCP 2026-07-28) on one and
 * the same connection: `server/discover`, `subscriptions/listen`, the fields every result needs
 * there, and the tasks extension. A message without the era's `_meta` passes untouched.
 */
export function dualEra(inner: Transport, options: DualEraOptions): Transport {
  const asked = new Map<RequestId, Asked>();
  const listening = createListening(
    (message) => transport.onmessage?.(message),
    (message) => void inner.send(message),
  );

  const withServer = (result: Json): Json => ({
    ...result,
    _meta: {
      ...(isRecord(result['_meta']) ? result['_meta'] : {}),
      [`${metaPrefix}serverInfo`]: options.serverInfo,
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

  const refuseUndeclared = (id: RequestId): void => {
    refuse(id, missingCapability, 'Missing required client capability', {
      requiredCapabilities: { extensions: { [tasksExtension]: {} } },
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
        ? askable(await tasks.get(taskId), params)
        : method === 'tasks/cancel'
          ? await tasks.cancel(taskId)
          : await tasks.update(taskId, responses);
    if (found === undefined || found === false) refuse(id, invalidParams, 'Unknown task');
    else {
      if (found !== true) tasks.told?.(taskId, found);
      answer(id, found === true ? {} : { ...found });
    }
  };

  /** Answers what this layer knows by itself; false where the server has to. */
  const handled = (id: RequestId, method: string, params: Json): boolean => {
    if (method === 'server/discover') {
      answer(id, discovery({ ...options, offersTasks: options.tasks !== undefined }));
      return true;
    }
    if (method === 'subscriptions/listen') {
      if (wantsTaskNews(params) && !declaresTasks(params)) refuseUndeclared(id);
      else void listening.begin(id, params);
      return true;
    }
    if (method !== 'tasks/get' && method !== 'tasks/cancel' && method !== 'tasks/update') return false;
    if (options.tasks === undefined) return false;
    if (!declaresTasks(params)) {
      refuseUndeclared(id);
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
    if (message.method === 'notifications/cancelled') {
      const cancelled = params['requestId'];
      // Nobody answers it any more.
      if (typeof cancelled === 'string' || typeof cancelled === 'number') asked.delete(cancelled);
      if (listening.end(cancelled)) return;
    }
    const version = metaOf(params)[`${metaPrefix}protocolVersion`];
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
    const { method } = message;
    const offersTask =
      method === 'tools/call' && declaresTasks(params) && options.tasks?.offers(params) === true;
    asked.set(message.id, { method, offersTask });
    transport.onmessage?.(message, extra);
  };

  const complete = async (request: Asked, result: Json): Promise<Json> => {
    if (request.offersTask && result['isError'] !== true) {
      // Where the task cannot be told, the result itself is an answer as good.
      const task = await options.tasks?.fromResult(result).catch(() => undefined);
      if (task !== undefined) {
        const seed = seedOf(task);
        options.tasks?.told?.(task.taskId, seed, result);
        return withServer({ ...seed, resultType: 'task' });
      }
    }
    const cacheable = request.method.endsWith('/list') || request.method === 'resources/read';
    return withServer({
      resultType: 'complete',
      ...result,
      ...(cacheable ? { ttlMs: 0, cacheScope: 'private' } : {}),
    });
  };

  const send = async (message: JSONRPCMessage, sendOptions?: TransportSendOptions): Promise<void> => {
    if (listening.took(message)) return;
    if ('method' in message || message.id === undefined) {
      for (const marked of listening.marked(message)) await inner.send(marked, sendOptions);
      return;
    }
    const request = asked.get(message.id);
    if (request === undefined) return inner.send(message, sendOptions);
    asked.delete(message.id);
    if (!('result' in message)) return inner.send(inStatelessWords(message), sendOptions);
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

/** A task as it is handed out: result and questions come by tasks/get. */
function seedOf(task: TaskView): Json {
  const { result: _result, inputRequests: _inputRequests, ...seed } = task;
  return seed;
}

/** No client is asked in a way it did not declare: to such a one the task is at work until somebody else answers. */
function askable(task: TaskView | undefined, params: Json): TaskView | undefined {
  if (task?.inputRequests === undefined || offersForms(capabilitiesOf(params))) return task;
  const { inputRequests: _inputRequests, ...rest } = task;
  return { ...rest, status: 'working' };
}

/** The era has no code of its own for a resource there is none of. */
function inStatelessWords(message: JSONRPCErrorResponse): JSONRPCErrorResponse {
  if (message.error.code !== resourceNotFound) return message;
  return { ...message, error: { ...message.error, code: invalidParams } };
}

function metaOf(params: Json): Json {
  return isRecord(params['_meta']) ? params['_meta'] : {};
}

/** What this very request says its client can do; earlier ones do not count. */
function capabilitiesOf(params: Json): Json {
  const capabilities = metaOf(params)[`${metaPrefix}clientCapabilities`];
  return isRecord(capabilities) ? capabilities : {};
}

function declaresTasks(params: Json): boolean {
  const { extensions } = capabilitiesOf(params);
  return isRecord(extensions) && tasksExtension in extensions;
}

function wantsTaskNews({ notifications }: Json): boolean {
  return isRecord(notifications) && notifications['taskIds'] !== undefined;
}
