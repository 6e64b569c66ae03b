import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { makePair, type Pair } from '../../cli/trust/make-pair.ts';
import { connect } from '../../mcp/client.ts';
import { serveHttp, type HttpService } from '../../mcp/serve-http.ts';
import { tokenVerifier } from '../../mcp/verifier.ts';
import { makePrivateDir } from '../../platform/paths.ts';
import { tokenDigest } from '../../platform/tokens.ts';
import { fingerprint } from '../../platform/trust/tls-files.ts';
import { config } from '../../schemas/config.ts';
import type { TokenRecord } from '../../schemas/principal.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import { createProbe } from './support/probe.ts';
import { initialize } from './support/raw-socket.ts';

const dayMs = 86_400_000;
const usual = { name: 'gpu', hosts: ['gpu.example'], days: 30, isOnly: false };
let pair: Pair;
let other: Pair;
let strange: Pair;
let past: Pair;
let certs: string;

/** A pair of another name, of another authority, and one whose time is over. */
beforeEach(() => {
  certs = scratchFolder();
  pair = makePair(certs, { ...usual, now: Date.now() });
  other = makePair(certs, { ...usual, name: 'other', now: Date.now() });
  past = makePair(certs, { ...usual, name: 'past', days: 1, now: Date.now() - 3 * dayMs });
  strange = makePair(scratchFolder(), { ...usual, now: Date.now() });
});

const certOf = (dir: string): string => readFileSync(join(dir, 'cert.pem'), 'utf8');

/** A server of the first pair that knows a token of its client, one of another's, and one of nobody's. */
async function serve(clients: 'any' | 'listed' = 'listed'): Promise<HttpService> {
  const token = (id: string, certificate?: string): TokenRecord => {
    const record = { id, owner: id, scope: 'admin' as const, sha256: tokenDigest(id), created_at: 0 };
    return certificate === undefined ? record : { ...record, certificate };
  };
  const tokens = [
    token('mine', fingerprint(certOf(pair.client))),
    token('theirs', fingerprint(certOf(other.client))),
    token('free'),
  ];
  const service = await serveHttp(createProbe().factory, {
    port: 0,
    host: '127.0.0.1',
    tls: { dir: pair.server, clients },
    verify: tokenVerifier(() => tokens, Date.now),
  });
  onTestFinished(service.close);
  return service;
}

interface Shown {
  dir?: string;
  bearer?: string;
  headers?: Record<string, string>;
}

function ask(port: number, { dir, bearer = 'mine', headers = {} }: Shown): Promise<[number, unknown]> {
  const identity =
    dir === undefined ? {} : { cert: certOf(dir), key: readFileSync(join(dir, 'key.pem'), 'utf8') };
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host: '127.0.0.1',
      servername: 'localhost',
      port,
      path: '/mcp',
      method: 'POST',
      ca: readFileSync(join(pair.client, 'ca.pem')),
      ...identity,
      agent: false,
      headers: {
        authorization: `Bearer ${bearer}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...headers,
      },
    });
    request.on('error', reject).on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () => resolve([response.statusCode ?? 0, text]));
    });
    request.end(JSON.stringify(initialize('2025-06-18')));
  });
}

describe('over TLS, for clients that are listed', () => {
  it('answers each certificate and bearer with the status that fits', async () => {
    const { port } = await serve();
    const { client: dir } = pair;
    const matrix: [string, Shown, number, RegExp][] = [
      ['its client, its bearer', { dir }, 200, /serverInfo/],
      ['no certificate', {}, 401, /Show a client certificate/],
      ['an expired one', { dir: past.client }, 401, /expired on/],
      ['one of another authority', { dir: strange.client }, 401, /not of the authority/],
      [
        'one of ours that is not listed',
        { dir: other.client, bearer: 'theirs' },
        401,
        /not among the clients/,
      ],
      ["a server's", { dir: pair.server }, 401, /not of the authority|not among/],
      ["another certificate's bearer", { dir, bearer: 'theirs' }, 401, /bearer secret/],
      ['an evil Origin before all that', { headers: { origin: 'https://evil.example' } }, 403, /origin/],
      ['the null Origin', { dir, headers: { origin: 'null' } }, 403, /origin/],
      ['a Host it is not', { dir, headers: { host: `evil.example:${String(port)}` } }, 403, /host name/],
      [
        'a name of its certificate',
        { dir, headers: { host: `gpu.example:${String(port)}` } },
        200,
        /serverInfo/,
      ],
      [
        'its own http Origin',
        { dir, headers: { origin: `http://127.0.0.1:${String(port)}` } },
        403,
        /origin/,
      ],
    ];
    for (const [what, shown, status, says] of matrix) {
      const [code, text] = await ask(port, shown);
      expect([what, code]).toEqual([what, status]);
      expect(text, what).toMatch(says);
    }
  });

  it('goes over to renewed certificates while it runs; the client before stays good until it is replaced', async () => {
    const dir = scratchFolder();
    const first = makePair(dir, { ...usual, now: Date.now() });
    const service = await serveHttp(createProbe().factory, {
      port: 0,
      tls: { dir: first.server, clients: 'listed' },
      verify: () => ({ owner: 'local', scope: 'admin' }),
    });
    onTestFinished(service.close);
    const url = `https://localhost:${String(service.port)}/mcp`;
    const isLetIn = async (tls: string): Promise<boolean> => {
      const peer = await connect({}, { url, secret: 'x', tls }).catch(() => undefined);
      await peer?.close();
      return peer !== undefined;
    };
    const before = join(dir, 'before');
    copy(first.client, before);
    expect(await isLetIn(before)).toBe(true);
    const second = makePair(dir, { ...usual, hosts: [], now: Date.now() });
    expect(second.hosts).toEqual(first.hosts);
    expect([await isLetIn(before), await isLetIn(second.client)]).toEqual([true, true]);
    const third = makePair(dir, { ...usual, isOnly: true, now: Date.now() });
    expect([await isLetIn(before), await isLetIn(third.client)]).toEqual([false, true]);
  });
});

describe('the client', () => {
  it('goes to no server of another authority, of another name, or at another address', async () => {
    const { port } = await serve();
    const target = { url: `https://localhost:${String(port)}/mcp`, secret: 'mine', tls: pair.client };
    const failing = { code: 'WORKER_UNAVAILABLE' };
    const peer = await connect({}, { ...target, addresses: ['127.0.0.1'] });
    await peer.close();
    const unknown = { ...target, url: `https://evil.example:${String(port)}/mcp`, addresses: ['127.0.0.1'] };
    await expect(connect({}, unknown)).rejects.toMatchObject(failing);
    await expect(connect({}, { ...target, addresses: ['127.0.0.2'] })).rejects.toMatchObject(failing);
    await expect(connect({}, { ...target, tls: strange.client })).rejects.toMatchObject(failing);
  });

  it('says so when its own certificate is past, or its key lies open', async () => {
    const { port } = await serve();
    const target = { url: `https://localhost:${String(port)}/mcp`, secret: 'mine' };
    await expect(connect({}, { ...target, tls: past.client })).rejects.toThrow(/expired on .*/);
    const open = join(scratchFolder(), 'open');
    copy(pair.client, open, 0o644);
    await expect(connect({}, { ...target, tls: open })).rejects.toThrow(/others can read/);
    await expect(connect({}, { ...target, tls: '/nowhere' })).rejects.toThrow(/there is no cert.pem/);
  });
});

it('lets in whoever has a free token where no certificate is asked for, but none with a bad one', async () => {
  const { port } = await serve('any');
  const told: unknown[] = [];
  for (const shown of [{ bearer: 'free' }, { bearer: 'mine' }, { bearer: 'mine', dir: pair.client }]) {
    told.push((await ask(port, shown))[0]);
  }
  expect(told).toEqual([200, 401, 200]);
  expect((await ask(port, { bearer: 'free', dir: past.client }))[0]).toBe(401);
});

it('is what a configuration has to have that listens beyond this machine', () => {
  const isFine = (http: object): boolean => config.safeParse({ http }).success;
  expect(isFine({ host: '::1' })).toBe(true);
  for (const host of ['0.0.0.0', '::', 'localhost', '', '10.0.0.5']) {
    expect([isFine({ host }), isFine({ host, tls: '/certs' })]).toEqual([false, true]);
  }
});

describe('certificates', () => {
  it('are what others take them for, and private', () => {
    const ca = new X509Certificate(readFileSync(join(pair.server, 'ca.pem')));
    const server = new X509Certificate(certOf(pair.server));
    expect([ca.ca, server.ca]).toEqual([true, false]);
    expect(server.verify(ca.publicKey)).toBe(true);
    expect(server.checkIssued(ca)).toBe(true);
    expect(new X509Certificate(certOf(strange.server)).verify(ca.publicKey)).toBe(false);
    expect([server.checkHost('gpu.example'), server.checkIP('127.0.0.1'), server.checkIP('::1')]).toEqual([
      'gpu.example',
      '127.0.0.1',
      '::1',
    ]);
    expect(server.checkHost('evil.example')).toBeUndefined();
    expect(Date.parse(server.validTo)).toBeLessThanOrEqual(Date.now() + 30 * dayMs);
    for (const dir of [pair.server, pair.client, join(certs, 'authority')]) {
      expect(statSync(dir).mode & 0o777).toBe(0o700);
      expect(statSync(join(dir, 'key.pem')).mode & 0o777).toBe(0o600);
    }
  });
});

function copy(from: string, to: string, mode = 0o600): void {
  makePrivateDir(to);
  for (const name of ['cert.pem', 'key.pem', 'ca.pem']) {
    writeFileSync(join(to, name), readFileSync(join(from, name)), { mode });
  }
}
