import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openPass } from '../../../servers/worker/sandbox/network/gate.ts';
import { proxyVariables } from '../../../servers/worker/sandbox/network/environment.ts';
import { routeTo, type LookUp } from '../../../servers/worker/sandbox/network/route.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

const seen: { request: IncomingMessage; body: string }[] = [];
const server = createServer((request, response) => {
  void text(request).then((body) => {
    seen.push({ request, body });
    const own = body === '' ? {} : { connection: 'x-own', 'x-own': 'gone' };
    response.writeHead(201, { 'x-kept': 'yes', ...own }).end('canary');
  });
});
let port = 0;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(() => server.close());

/** Listed: the server by its address and as localhost, and a name that another answers for. */
function open(look?: LookUp) {
  const dir = join(scratchFolder(), 'network');
  const grant = [
    `127.0.0.1:${String(port)}`,
    `localhost:${String(port)}`,
    `a.test:${String(port)}`,
    'b.test',
  ];
  const pass = openPass({ dir, relayArgv: ['/bin/true'], look }, { grant, allowPrivate: false });
  onTestFinished(() => void pass.close());
  /** What comes back for these bytes, to the end of the connection. */
  const say = async (bytes: string): Promise<string> => {
    const socket = connect(pass.relay.socket);
    socket.write(bytes.replaceAll('PORT', String(port)), 'latin1');
    return await text(socket);
  };
  return { pass, say };
}

const inside = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';

describe('what is spelled plainly', () => {
  it.each([
    `CONNECT 127.0.0.1:PORT HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\n\r\n${inside}`,
    `CONNECT LOCALHOST.:PORT HTTP/1.1\r\nhost: localhost:PORT\r\n\r\n${inside}`,
    `CONNECT 127.0.0.1:PORT HTTP/1.0\r\n\r\n${inside}`,
    'GET http://127.0.0.1:PORT/ HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\nconnection: close\r\n\r\n',
    'GET HTTP://LocalHost:PORT?x HTTP/1.1\r\nhost: localhost:PORT\r\nconnection: close\r\n\r\n',
  ])('is passed on: %j', async (bytes) => {
    const { pass, say } = open();
    expect(await say(bytes)).toMatch(/^HTTP\/1\.1 20[01] [^]*canary/);
    expect(pass.close()).toMatch(/^Network: reached (localhost|127\.0\.0\.1):\d+\.$/);
  });
});

describe('what is not', () => {
  const host = 'host: 127.0.0.1:PORT\r\n';
  it.each([
    ['another port', 'CONNECT 127.0.0.1:1 HTTP/1.1\r\nhost: 127.0.0.1:1\r\n\r\n'],
    ['no port', 'CONNECT 127.0.0.1 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'],
    ['an address behind IPv6', 'CONNECT [::ffff:127.0.0.1]:PORT HTTP/1.1\r\n\r\n'],
    [
      'the same in hexadecimal',
      'CONNECT [::ffff:7f00:1]:PORT HTTP/1.1\r\nhost: [::ffff:7f00:1]:PORT\r\n\r\n',
    ],
    ['an address as a number', 'CONNECT 2130706433:PORT HTTP/1.1\r\nhost: 2130706433:PORT\r\n\r\n'],
    ['an address in short', 'CONNECT 127.1:PORT HTTP/1.1\r\nhost: 127.1:PORT\r\n\r\n'],
    ['an address in octal', 'CONNECT 0177.0.0.1:PORT HTTP/1.1\r\nhost: 0177.0.0.1:PORT\r\n\r\n'],
    ['all addresses', 'CONNECT 0.0.0.0:PORT HTTP/1.1\r\nhost: 0.0.0.0:PORT\r\n\r\n'],
    ['a user', `CONNECT u@127.0.0.1:PORT HTTP/1.1\r\n${host}\r\n`],
    ['a host as user', `CONNECT 127.0.0.1:PORT@evil.test:PORT HTTP/1.1\r\n${host}\r\n`],
    ['two last dots', `CONNECT localhost..:PORT HTTP/1.1\r\nhost: localhost:PORT\r\n\r\n`],
    ['an escape', 'CONNECT 127.0.0.1%2e:PORT HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\n\r\n'],
    ['a wildcard', 'CONNECT *:PORT HTTP/1.1\r\nhost: *:PORT\r\n\r\n'],
    ['another host in the header', 'CONNECT 127.0.0.1:PORT HTTP/1.1\r\nhost: evil.test:PORT\r\n\r\n'],
    ['two hosts in the header', `CONNECT 127.0.0.1:PORT HTTP/1.1\r\n${host}${host}\r\n`],
    ['a path', `GET / HTTP/1.1\r\n${host}\r\n`],
    ['TLS asked for in plain', `GET https://127.0.0.1:PORT/ HTTP/1.1\r\n${host}\r\n`],
    ['another scheme', `GET file://127.0.0.1:PORT/ HTTP/1.1\r\n${host}\r\n`],
    ['a user in a URL', `GET http://u:p@127.0.0.1:PORT/ HTTP/1.1\r\n${host}\r\n`],
    ['a host as user of a URL', `GET http://127.0.0.1:PORT\\@evil.test/ HTTP/1.1\r\n${host}\r\n`],
    ['another host than the URL', 'GET http://127.0.0.1:PORT/ HTTP/1.1\r\nhost: evil.test\r\n\r\n'],
    ['two hosts beside the URL', `GET http://127.0.0.1:PORT/ HTTP/1.1\r\n${host}host: evil.test\r\n\r\n`],
    ['another method', `TRACE http://127.0.0.1:PORT/ HTTP/1.1\r\n${host}\r\n`],
    ['a line break in the host', `CONNECT 127.0.0.1:PORT\n HTTP/1.1\r\n${host}\r\n`],
    [
      'two lengths',
      `POST http://127.0.0.1:PORT/ HTTP/1.1\r\n${host}content-length: 1\r\ncontent-length: 2\r\n\r\nxx`,
    ],
    [
      'a length beside chunks',
      `POST http://127.0.0.1:PORT/ HTTP/1.1\r\n${host}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a space before the colon', `GET http://127.0.0.1:PORT/ HTTP/1.1\r\nhost : 127.0.0.1:PORT\r\n\r\n`],
    ['too much', `GET http://127.0.0.1:PORT/ HTTP/1.1\r\n${host}x: ${'x'.repeat(20_000)}\r\n\r\n`],
  ])('is refused: %s', async (_, bytes) => {
    const { pass, say } = open();
    const before = seen.length;
    const said = await say(bytes);
    expect(said).toMatch(/^HTTP\/1\.1 4\d\d [^]*codex-fleet does not pass this on: .*\n$/);
    expect(seen).toHaveLength(before);
    expect(pass.close()).toMatch(/^Network: refused ([a-z0-9.[\]:]+:\d+|requests not understood)\.$/);
  });

  it('is not told to those it is passed on to', async () => {
    const { say } = open();
    const headers = [
      'host: 127.0.0.1:PORT',
      'proxy-authorization: Basic x',
      'connection: close, x-own, content-length',
      'x-own: 1',
      'x-other: 2',
      'transfer-encoding: chunked',
    ];
    const said = await say(
      `POST http://127.0.0.1:PORT/p?q HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n4\r\nbody\r\n0\r\n\r\n`,
    );
    const [last] = seen.slice(-1);
    expect(last).toMatchObject({ body: 'body', request: { method: 'POST', url: '/p?q' } });
    expect(last?.request.headers).toEqual({
      host: `127.0.0.1:${String(port)}`,
      'x-other': '2',
      'transfer-encoding': 'chunked',
      connection: 'close',
    });
    expect(said).toMatch(/^HTTP\/1\.1 201 [^]*x-kept: yes/);
    expect(said).not.toContain('x-own');
  });
});

describe('a body whose length is said to be of one connection', () => {
  it('is no further request', async () => {
    const { say } = open();
    const before = seen.length;
    const body = 'GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n';
    await say(
      `GET http://127.0.0.1:PORT/ HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\n` +
        `content-length: ${String(body.length)}\r\nconnection: close, content-length\r\n\r\n${body}`,
    );
    expect(seen.slice(before).map(({ request }) => request.url)).toEqual(['/']);
    expect(seen.at(-1)?.body).toBe(body);
  });
});

describe('a listed name', () => {
  const name = { name: 'b.test', isAddress: false };
  const route = (addresses: string[], allowPrivate = false, host = name) =>
    routeTo(
      { host, port: 443 },
      { grant: ['b.test', 'localhost', '10.1.1.1', '169.254.169.254'], allowPrivate },
      () => Promise.resolve(addresses),
    );

  const inner =
    '127.0.0.1 ::1 10.0.0.1 192.168.1.1 100.64.0.1 fd00::1 169.254.169.254 fe80::1 0.0.0.0 ::ffff:127.0.0.1 ' +
    '::ffff:10.0.0.1 64:ff9b::7f00:1';

  it.each(inner.split(' '))('does not lead to %s, nor beside a right one', async (address) => {
    expect(await route([address])).toMatchObject({ status: 403 });
    expect(await route(['93.184.216.34', address])).toMatchObject({ status: 403 });
  });

  it('leads out, into a private network only by leave, and to this machine only as localhost', async () => {
    expect(await route(['93.184.216.34', '2606:2800::1'])).toEqual(['93.184.216.34', '2606:2800::1']);
    expect(await route(['10.0.0.1'], true)).toEqual(['10.0.0.1']);
    expect(await route(['127.0.0.1'], true)).toMatchObject({ status: 403 });
    expect(await route(['169.254.169.254'], true)).toMatchObject({ status: 403 });
    expect(await route(['127.0.0.1'], false, { name: 'localhost', isAddress: false })).toEqual(['127.0.0.1']);
    expect(await route([])).toMatchObject({ status: 502 });
  });

  it('is an address where one is listed, but none that is no host', async () => {
    expect(await route([], false, { name: '10.1.1.1', isAddress: true })).toEqual(['10.1.1.1']);
    expect(await route([], false, { name: '169.254.169.254', isAddress: true })).toMatchObject({
      status: 403,
    });
  });

  it('is looked at once for a connection, which goes where it led then', async () => {
    const looks: string[] = [];
    const { say, pass } = open((asked) => {
      looks.push(asked);
      return Promise.resolve(looks.length > 1 ? ['127.0.0.1'] : ['203.0.113.1', '127.0.0.1']);
    });
    expect(await say(`CONNECT a.test:PORT HTTP/1.1\r\n\r\n${inside}`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(
      await say('GET http://evil.test/ HTTP/1.1\r\nhost: evil.test\r\nconnection: close\r\n\r\n'),
    ).toMatch(/^HTTP\/1\.1 403 /);
    expect(looks).toEqual(['a.test']);
    expect(pass.close()).toBe(`Network: refused a.test:${String(port)}, evil.test:80.`);
  });
});

describe('a pass', () => {
  it('tells few of many hosts, and counts the rest', async () => {
    const { say, pass } = open();
    for (const at of [1, 2, 3, 4, 5, 6, 7, 8, 8])
      await say(`CONNECT h${String(at)}.test:443 HTTP/1.1\r\n\r\n`);
    expect(pass.close()).toBe(
      'Network: refused h1.test:443, h2.test:443, h3.test:443, h4.test:443, h5.test:443, h6.test:443, 2 others.',
    );
  });

  it('holds 128 connections at a time', async () => {
    const { pass, say } = open();
    const sockets = Array.from({ length: 128 }, () => connect(pass.relay.socket));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const bytes = `CONNECT 127.0.0.1:PORT HTTP/1.1\r\n\r\n${inside}`;
    expect(await say(bytes).catch(() => '')).toBe('');
    sockets[0]?.destroy();
    for (let said = ''; said === '';) said = await say(bytes).catch(() => '');
  });

  it('ends with all its connections', async () => {
    const { pass } = open();
    const socket = connect(pass.relay.socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    pass.close();
    await closed;
    await expect(once(connect(pass.relay.socket), 'connect')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('the variables of a proxy', () => {
  it('leave out what a run listens on itself, unless that is listed', () => {
    expect(proxyVariables(['a.test'])['no_proxy']).toBe('localhost,127.0.0.1,::1');
    expect(proxyVariables(['LocalHost:8080', '[::1]:80'])['NO_PROXY']).toBe('127.0.0.1');
  });
});
