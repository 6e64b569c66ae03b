import { PassThrough } from 'node:stream';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { McpError } from '@modelcontextprotocol/sdk/types.js';
import { resourceNotFound } from '../../mcp/resources.ts';
import { dualEra } from '../../mcp/dual-era.ts';
import { createLineTransport } from '../../mcp/line-transport.ts';
import type { TaskView } from '../../mcp/tasks.ts';

const key = 'io.modelcontextprotocol/';
const extension = `${key}tasks`;

function meta(options: { version?: string; tasks?: boolean; elicitation?: Record<string, unknown> } = {}) {
  const { version = '2026-07-28', tasks = false, elicitation } = options;
  return {
    [`${key}protocolVersion`]: version,
    [`${key}clientInfo`]: { name: 'test', version: '1' },
    [`${key}clientCapabilities`]: {
      ...(tasks && { extensions: { [extension]: {} } }),
      ...(elicitation !== undefined && { elicitation }),
    },
  };
}

const working: TaskView = {
  taskId: 'run_1',
  status: 'working',
  statusMessage: 'pending',
  createdAt: '2026-01-01T00:00:00.000Z',
  lastUpdatedAt: '2026-01-01T00:00:00.000Z',
  ttlMs: null,
  pollIntervalMs: 1000,
};
const asking: TaskView = {
  ...working,
  taskId: 'run_asking',
  status: 'input_required',
  inputRequests: { q: { method: 'elicitation/create' } },
};

let toServer: PassThrough;
let received: Record<string, unknown>[];
let wake: (() => void) | undefined;
let cancelled: string[];
let started: TaskView;
let cannotTell: boolean;
let listened: string[];
let server: Server;

beforeEach(async () => {
  toServer = new PassThrough();
  const fromServer = new PassThrough();
  received = [];
  cancelled = [];
  started = working;
  cannotTell = false;
  let rest = '';
  fromServer.on('data', (chunk: Buffer) => {
    rest += chunk.toString('utf8');
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) received.push(JSON.parse(line));
    wake?.();
  });
  const capabilities = { tools: {}, resources: { subscribe: true } };
  server = new Server({ name: 's', version: '1' }, { capabilities });
  listened = [];
  server.fallbackRequestHandler = ({ method, params }) => {
    if (method.startsWith('resources/')) {
      listened.push(`${method.slice('resources/'.length)} ${String(params?.['uri'])}`);
      if (params?.['uri'] !== 'fleet://runs/none') return Promise.resolve({});
      throw new McpError(resourceNotFound, 'Resource not found');
    }
    if (method === 'tools/list')
      return Promise.resolve({ tools: [{ name: 'start_run', inputSchema: { type: 'object' } }] });
    return Promise.resolve({ content: [], structuredContent: { runs: [{ run_id: 'run_1' }] } });
  };
  const transport = createLineTransport(
    { readable: toServer, writable: fromServer, release: () => undefined },
    'server',
  );
  await server.connect(
    dualEra(transport, {
      serverInfo: { name: 's', version: '1' },
      capabilities: { tools: {} },
      instructions: 'hello',
      tasks: {
        offers: ({ name }) => name === 'start_run',
        fromResult: () => (cannotTell ? Promise.reject(new Error('no store')) : Promise.resolve(started)),
        get: (id) => Promise.resolve([working, asking].find(({ taskId }) => taskId === id)),
        cancel: (id) => {
          cancelled.push(id);
          return Promise.resolve(id === 'run_1');
        },
        update: (id) => Promise.resolve(id === 'run_1'),
      },
    }),
  );
});

afterEach(() => server.close());

let nextId = 0;
async function ask(method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> {
  const id = ++nextId;
  toServer.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
  for (;;) {
    const found = received.find((message) => message['id'] === id);
    if (found !== undefined) return found;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

test('answers server/discover with version, capabilities and the tasks extension', async () => {
  const { result } = await ask('server/discover', { _meta: meta() });
  expect(result).toMatchObject({
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {}, extensions: { [extension]: {} } },
    instructions: 'hello',
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [`${key}serverInfo`]: { name: 's', version: '1' } },
  });
});

test('a stateless list carries its cache fields, and one of the older era does not', async () => {
  const modern = await ask('tools/list', { _meta: meta() });
  expect(modern['result']).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' });
  await ask('initialize', {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'c', version: '1' },
  });
  const older = await ask('tools/list', {});
  expect(older['result']).toEqual({ tools: [{ name: 'start_run', inputSchema: { type: 'object' } }] });
});

test('a call becomes a task only where that very request declares the extension', async () => {
  const plain = await ask('tools/call', { name: 'start_run', arguments: {}, _meta: meta() });
  expect(plain['result']).toMatchObject({
    resultType: 'complete',
    structuredContent: { runs: [{ run_id: 'run_1' }] },
  });
  const task = await ask('tools/call', { name: 'start_run', arguments: {}, _meta: meta({ tasks: true }) });
  expect(task['result']).toMatchObject({
    resultType: 'task',
    taskId: 'run_1',
    status: 'working',
    ttlMs: null,
  });
  const other = await ask('tools/call', { name: 'poll_run', arguments: {}, _meta: meta({ tasks: true }) });
  expect(other['result']).toMatchObject({ resultType: 'complete' });
});

test('tasks are read, cancelled twice and updated; unknown ones are refused', async () => {
  const read = await ask('tasks/get', { taskId: 'run_1', _meta: meta({ tasks: true }) });
  expect(read['result']).toMatchObject({ resultType: 'complete', taskId: 'run_1', status: 'working' });
  for (let times = 0; times < 2; times += 1) {
    const ack = await ask('tasks/cancel', { taskId: 'run_1', _meta: meta({ tasks: true }) });
    expect(ack['result']).toMatchObject({ resultType: 'complete' });
  }
  expect(cancelled).toEqual(['run_1', 'run_1']);
  const updated = await ask('tasks/update', {
    taskId: 'run_1',
    inputResponses: {},
    _meta: meta({ tasks: true }),
  });
  expect(updated['result']).toMatchObject({ resultType: 'complete' });
  const unknown = await ask('tasks/get', { taskId: 'run_2', _meta: meta({ tasks: true }) });
  expect(unknown['error']).toMatchObject({ code: -32602 });
  const undeclared = await ask('tasks/get', { taskId: 'run_1', _meta: meta() });
  expect(undeclared['error']).toMatchObject({ code: -32021 });
});

test('a task is handed out without its result and its questions, which tasks/get tells', async () => {
  started = asking;
  const { result } = await ask('tools/call', {
    name: 'start_run',
    arguments: {},
    _meta: meta({ tasks: true }),
  });
  expect(result).toMatchObject({ resultType: 'task', taskId: 'run_asking', status: 'input_required' });
  expect(result).not.toHaveProperty('inputRequests');
});

test('where the task cannot be told, the result is the answer', async () => {
  cannotTell = true;
  const { result } = await ask('tools/call', {
    name: 'start_run',
    arguments: {},
    _meta: meta({ tasks: true }),
  });
  expect(result).toMatchObject({
    resultType: 'complete',
    structuredContent: { runs: [{ run_id: 'run_1' }] },
  });
});

test.each([
  ['forms', { form: {} }, 'input_required'],
  ['elicitation without a mode', {}, 'input_required'],
  ['links only', { url: {} }, 'working'],
  ['none of it', undefined, 'working'],
])('a client that declares %s is asked, or sees the task at work', async (_name, elicitation, status) => {
  const declared = elicitation === undefined ? { tasks: true } : { tasks: true, elicitation };
  const { result } = await ask('tasks/get', { taskId: 'run_asking', _meta: meta(declared) });
  expect(result).toMatchObject({ status });
  if (status === 'working') expect(result).not.toHaveProperty('inputRequests');
  else expect(result).toMatchObject({ inputRequests: { q: { method: 'elicitation/create' } } });
});

test('another version is refused with those supported', async () => {
  const { error } = await ask('tools/list', { _meta: meta({ version: '2099-01-01' }) });
  expect(error).toMatchObject({ code: -32022, data: { supported: ['2026-07-28'], requested: '2099-01-01' } });
});

test('news of tasks are refused to who did not declare the extension', async () => {
  const params = { notifications: { taskIds: ['run_1'] }, _meta: meta() };
  expect((await ask('subscriptions/listen', params))['error']).toMatchObject({ code: -32021 });
});

test('a subscription is acknowledged, without what never changes', async () => {
  toServer.write(
    `${JSON.stringify({ jsonrpc: '2.0', id: 'sub', method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true }, _meta: meta() } })}\n`,
  );
  await ask('tools/list', { _meta: meta() });
  expect(received[0]).toMatchObject({
    method: 'notifications/subscriptions/acknowledged',
    params: { _meta: { [`${key}subscriptionId`]: 'sub' }, notifications: {} },
  });
});

test('a subscription to resources is agreed to where there are such, and told under its id until it ends', async () => {
  const uri = 'fleet://runs/run_1';
  const params = {
    notifications: { resourceSubscriptions: [uri, 'fleet://runs/none'] },
    _meta: meta(),
  };
  const write = (message: Record<string, unknown>): void => {
    toServer.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  };
  write({ id: 'sub', method: 'subscriptions/listen', params });
  await expect.poll(() => received.length).toBe(1);
  expect(received[0]).toMatchObject({
    method: 'notifications/subscriptions/acknowledged',
    params: { notifications: { resourceSubscriptions: [uri] } },
  });
  await server.notification({ method: 'notifications/resources/updated', params: { uri } });
  expect(received[1]).toMatchObject({
    method: 'notifications/resources/updated',
    params: { uri, _meta: { [`${key}subscriptionId`]: 'sub' } },
  });
  write({ method: 'notifications/cancelled', params: { requestId: 'sub' } });
  await expect.poll(() => listened.at(-1)).toBe(`unsubscribe ${uri}`);
  expect(received).toHaveLength(2);
});

test('a resource there is none of is told in the words of this era', async () => {
  const { error } = await ask('resources/read', { uri: 'fleet://runs/none', _meta: meta() });
  expect(error).toMatchObject({ code: -32602 });
});
