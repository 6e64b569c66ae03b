import { request as httpRequest } from 'node:http';
import { createConnection } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { maxMessageBytes } from '../../mcp/json-rpc.ts';
import { serveHttp, type HttpService } from '../../mcp/serve-http.ts';
import { secretVerifier } from '../../mcp/verifier.ts';
import { createProbe, type Probe } from './support/probe.ts';
import { initialize, toolCall } from './support/raw-socket.ts';

const secret = 'correct horse battery staple';
let probe: Probe;
let service: HttpService;
let counts: number[];

beforeEach(async () => {
  probe = createProbe();
  counts = [];
  service = await serveHttp(probe.factory, {
    port: 0,
    verify: secretVerifier(secret),
    onSessionsChange: (count) => counts.push(count),
  });
});
afterEach(async () => {
  await service.close();
});

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

interface Ask {
  method?: string;
  path?: string;
  headers?: Record<string, string | undefined>;
  body?: string;
}

/** By node:http, because fetch sets Host and Origin itself. */
function ask({ method = 'POST', path = '/mcp', headers = {}, body = '' }: Ask): Promise<Answer> {
  const all = {
    host: `127.0.0.1:${String(service.port)}`,
    authorization: `Bearer ${secret}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    ...headers,
  };
  const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: service.port, path, method, headers: sent });
    request.on('error', reject).on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      });
    });
    request.end(body);
  });
}

const hello = JSON.stringify(initialize('2025-06-18'));

async function openSession(): Promise<string> {
  const { headers } = await ask({ body: hello });
  return String(headers['mcp-session-id']);
}

const callIn = (session: string, message: unknown): Promise<Answer> =>
  ask({ headers: { 'mcp-session-id': session }, body: JSON.stringify(message) });

describe('who may ask', () => {
  it('lets in whoever has the secret, under every name of the loopback address', async () => {
    const port = String(service.port);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) {
      expect((await ask({ headers: { host }, body: hello })).status).toBe(200);
      const origin = `http://${host}`;
      expect((await ask({ headers: { host, origin }, body: hello })).status).toBe(200);
    }
  });

  it.each([
    ['a foreign Host', { host: 'evil.example' }, 403],
    ['our address without the port', { host: '127.0.0.1' }, 403],
    ['another port', { host: '127.0.0.1:1' }, 403],
    ['a name that ends like ours', { host: 'evil-localhost' }, 403],
    ['a foreign Origin', { origin: 'http://evil.example' }, 403],
    ['the null Origin', { origin: 'null' }, 403],
    ['an https Origin of ours', { origin: 'https://127.0.0.1' }, 403],
    ['no secret', { authorization: undefined }, 401],
    ['a wrong secret', { authorization: 'Bearer wrong' }, 401],
    ['a prefix of the secret', { authorization: `Bearer ${secret.slice(0, -1)}` }, 401],
    ['another scheme', { authorization: `Basic ${secret}` }, 401],
    ['a wrong secret and a foreign Origin', { authorization: 'x', origin: 'http://evil.example' }, 403],
    ['a wrong secret and a foreign Host', { authorization: 'x', host: 'evil.example' }, 403],
  ])('refuses %s', async (_who, headers, status) => {
    for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS']) {
      const answer = await ask({ method, headers, body: method === 'POST' ? hello : '' });
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toBe('application/json');
      expect(JSON.parse(answer.body)).toMatchObject({ jsonrpc: '2.0', id: null });
      expect(answer.body).not.toContain(secret);
    }
    expect(counts).toEqual([]);
  });

  it('says what it wants', async () => {
    expect((await ask({ headers: { authorization: undefined } })).headers['www-authenticate']).toBe('Bearer');
  });
});

describe('what is asked', () => {
  it.each([
    ['another path', { path: '/' }, 404],
    ['another method', { method: 'PUT' }, 405],
    ['what is not JSON', { body: '{' }, 400],
    ['an empty body', { body: '' }, 400],
    ['a call before initialize', { body: JSON.stringify(toolCall(1, 'echo', { text: 'a' })) }, 400],
    [
      'an era we do not speak',
      { body: '{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{}}' },
      400,
    ],
    ['a session we do not know', { headers: { 'mcp-session-id': 'gone' }, body: hello }, 404],
    ['an event stream of no session', { method: 'GET' }, 400],
  ])('refuses %s', async (_what, request, status) => {
    const answer = await ask(request);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { message: expect.any(String) } });
  });

  it('refuses a body over the limit, declared or not, and serves on', async () => {
    const declared = await ask({ headers: { 'content-length': String(maxMessageBytes + 1) } }).catch(
      () => undefined,
    );
    expect(declared?.status).toBe(413);
    const socket = createConnection(service.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${String(service.port)}\r\nauthorization: Bearer ${secret}\r\n` +
        'transfer-encoding: chunked\r\n\r\n',
    );
    const chunk = Buffer.concat([
      Buffer.from('100000\r\n'),
      Buffer.alloc(0x100000, 0x61),
      Buffer.from('\r\n'),
    ]);
    for (let sent = 0; sent <= maxMessageBytes / 0x100000; sent += 1) socket.write(chunk);
    const [first] = await once(socket, 'data');
    expect(String(first)).toContain('413 Payload Too Large');
    socket.destroy();
    expect((await ask({ body: hello })).status).toBe(200);
  });

  it('drops a session whose initialize was refused', async () => {
    expect((await ask({ headers: { accept: 'text/plain' }, body: hello })).status).toBe(406);
    expect(counts).toEqual([1, 0]);
  });
});

describe('sessions', () => {
  it('each have a server of their own', async () => {
    const [one, two] = [await openSession(), await openSession()];
    expect(one).not.toBe(two);
    expect(counts).toEqual([1, 2]);
    const answer = await callIn(one, toolCall(1, 'echo', { text: 'a' }));
    expect(answer.body).toContain('"structuredContent":{"text":"a"');
  });

  it('end by DELETE, their calls aborted, and are unknown from then on', async () => {
    const session = await openSession();
    const hanging = callIn(session, toolCall(1, 'hang', {}));
    await probe.hanging(1);
    expect((await ask({ method: 'DELETE', headers: { 'mcp-session-id': session } })).status).toBe(200);
    await probe.aborted(1);
    await hanging;
    expect((await callIn(session, toolCall(2, 'echo', { text: 'a' }))).status).toBe(404);
    expect(counts).toEqual([1, 0]);
  });

  it('outlive a call whose client went away', async () => {
    const session = await openSession();
    const gone = new AbortController();
    const headers = {
      authorization: `Bearer ${secret}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-session-id': session,
    };
    const url = `http://127.0.0.1:${String(service.port)}/mcp`;
    const body = JSON.stringify(toolCall(1, 'hang', {}));
    const hanging = fetch(url, { method: 'POST', headers, body, signal: gone.signal }).catch(() => undefined);
    await probe.hanging(1);
    gone.abort();
    await hanging;
    expect((await callIn(session, toolCall(2, 'echo', { text: 'a' }))).status).toBe(200);
  });

  it('end by themselves when unused, but not while their event stream is open', async () => {
    await service.close();
    let ended: (() => void) | undefined;
    const endOfOne = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const seen: number[] = [];
    service = await serveHttp(probe.factory, {
      port: 0,
      verify: secretVerifier(secret),
      sessionTtlMs: 2_000,
      sweepMs: 20,
      onSessionsChange: (count) => {
        seen.push(count);
        if (count === 1 && seen.length > 1) ended?.();
      },
    });
    const listening = await openSession();
    const stream = httpRequest({
      host: '127.0.0.1',
      port: service.port,
      path: '/mcp',
      headers: {
        authorization: `Bearer ${secret}`,
        accept: 'text/event-stream',
        'mcp-session-id': listening,
      },
    }).end();
    stream.on('error', () => undefined);
    await once(stream, 'response');
    const unused = await openSession();
    await endOfOne;
    expect((await callIn(unused, toolCall(1, 'echo', { text: 'a' }))).status).toBe(404);
    expect((await callIn(listening, toolCall(1, 'echo', { text: 'a' }))).status).toBe(200);
    stream.destroy();
  });

  it('close with the service, though clients listen and calls hang', async () => {
    const session = await openSession();
    const hanging = callIn(session, toolCall(1, 'hang', {})).catch(() => undefined);
    await probe.hanging(1);
    await Promise.all([service.close(), service.close()]);
    await probe.aborted(1);
    await hanging;
  });
});

it('says so when the port is taken', async () => {
  await expect(
    serveHttp(probe.factory, { port: service.port, verify: secretVerifier(secret) }),
  ).rejects.toMatchObject({
    code: 'CONFLICT',
  });
});

it.each(['0.0.0.0', '::', '192.0.2.1', 'localhost', ''])(
  'serves nothing without TLS on "%s"',
  async (host) => {
    const verify = secretVerifier(secret);
    await expect(serveHttp(probe.factory, { host, port: 0, verify })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  },
);
