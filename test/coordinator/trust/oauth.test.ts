import { createHmac, createPublicKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openFront } from '../../../coordinator/front.ts';
import { attemptKey } from '../../../coordinator/fleet/open-attempts.ts';
import { fleetServer } from '../../../coordinator/server.ts';
import { fleetPaths, makePrivateDir } from '../../../platform/paths.ts';
import { config } from '../../../schemas/config.ts';
import { handleOf } from '../../helpers/runs.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { allUp, fakeFleet, type FakeFleet } from '../fake-fleet.ts';
import {
  authorizationServer,
  publicJwk,
  signingKey,
  type AuthorizationServer,
} from './authorization-server.ts';

let fleet: FakeFleet;
let server: AuthorizationServer;
let url: string;
let secret: string;

/** A fleet whose URL takes the tokens of an authorization server, and its own. */
async function serve(oauth: object = {}): Promise<void> {
  fleet = await fakeFleet({ slots: [2] });
  await allUp(fleet);
  const stateDir = scratchFolder();
  const paths = fleetPaths({ CODEX_FLEET_STATE_DIR: stateDir });
  makePrivateDir(paths.socketDir);
  const deps = Promise.resolve({ ...fleet.parts, isStopping: () => false });
  const front = await openFront({
    server: fleetServer(deps, () => undefined, fleet.parts.log),
    paths,
    config: config.parse({
      http: { oauth: { issuer: server.issuer, jwks: `${server.issuer}/jwks`, ...oauth } },
    }),
    onClients: () => undefined,
    log: fleet.parts.log,
  });
  onTestFinished(front.close);
  await front.openHttp();
  url = `http://127.0.0.1:${readFileSync(paths.portFile, 'utf8').trim()}/mcp`;
  secret = readFileSync(paths.secretFile, 'utf8').trim();
}

beforeEach(async () => {
  server = await authorizationServer();
});

const nowS = (): number => Math.floor(Date.now() / 1_000);
/** All it takes. */
const good = (change: object = {}): object => ({
  iss: server.issuer,
  sub: 'alice',
  aud: url,
  scope: 'run',
  exp: nowS() + 60,
  ...change,
});

const hello = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '0' } },
};
const tool = (name: string, input: unknown): object => ({
  jsonrpc: '2.0',
  id: 2,
  method: 'tools/call',
  params: { name, arguments: input },
});

async function ask(
  token: string | undefined,
  body: object = hello,
  more: Record<string, string> = {},
  at = url,
) {
  const response = await fetch(at, {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...more,
    },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    session: response.headers.get('mcp-session-id') ?? '',
    text: await response.text(),
  };
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const byHand = (header: object, claims: object, mac: (text: string) => string): string => {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${mac(text)}`;
};

describe('the bearer of an access token', () => {
  it('is let in with one that is right in all, and refused with one that is wrong in anything', async () => {
    await serve();
    const [first = signingKey('none')] = server.keys;
    const stranger = signingKey('first');
    const pem = createPublicKey(first.key).export({ type: 'spki', format: 'pem' });
    const hs256 = (key: string | Buffer) => (text: string) =>
      createHmac('sha256', key).update(text).digest('base64url');
    const matrix: [string, string | Promise<string>, number][] = [
      ['a good one', server.sign(good()), 200],
      ['one for several', server.sign(good({ aud: ['other', url] })), 200],
      ['one of type JWT', server.sign(good(), { header: { typ: 'JWT' } }), 200],
      ['the secret of the fleet', secret, 200],
      ['a wrong audience', server.sign(good({ aud: 'https://other.example/mcp' })), 401],
      ['the audience of another port', server.sign(good({ aud: 'http://127.0.0.1:1/mcp' })), 401],
      ['no audience', server.sign(good({ aud: undefined })), 401],
      ['a wrong issuer', server.sign(good({ iss: 'https://other.example' })), 401],
      ['no issuer', server.sign(good({ iss: undefined })), 401],
      ['the issuer with a slash', server.sign(good({ iss: `${server.issuer}/` })), 401],
      ['one just expired, within the skew', server.sign(good({ exp: nowS() - 10 })), 200],
      ['an expired one', server.sign(good({ exp: nowS() - 40 })), 401],
      ['one without end', server.sign(good({ exp: undefined })), 401],
      ['one of the future', server.sign(good({ nbf: nowS() + 60 })), 401],
      ['one of nobody', server.sign(good({ sub: undefined })), 401],
      ['one of a subject with line breaks', server.sign(good({ sub: 'a\nb' })), 401],
      ['one of the owner of this machine by name', server.sign(good({ sub: '' })), 401],
      ['an ID token or the like', server.sign(good(), { header: { typ: 'logout+jwt' } }), 401],
      ['no type', server.sign(good(), { header: { typ: undefined } }), 401],
      ['no kid', server.sign(good(), { header: { kid: undefined } }), 401],
      ['an unknown kid', server.sign(good(), { by: signingKey('second') }), 401],
      ["the kid of another's key", server.sign(good(), { by: stranger }), 401],
      ['alg none', byHand({ alg: 'none', kid: 'first', typ: 'at+jwt' }, good(), () => ''), 401],
      ['alg none, signed', byHand({ alg: 'none', kid: 'first', typ: 'at+jwt' }, good(), () => 'AAAA'), 401],
      [
        'HS256 with the public key as PEM',
        byHand({ alg: 'HS256', kid: 'first', typ: 'at+jwt' }, good(), hs256(String(pem))),
        401,
      ],
      [
        'HS256 with the public key as JWK',
        byHand(
          { alg: 'HS256', kid: 'first', typ: 'at+jwt' },
          good(),
          hs256(JSON.stringify(publicJwk(first))),
        ),
        401,
      ],
      ['a key of its own', server.sign(good(), { by: stranger, header: { jwk: publicJwk(stranger) } }), 401],
      [
        'the place of a key',
        server.sign(good(), { by: stranger, header: { jku: `${server.issuer}/x` } }),
        401,
      ],
      ['bound to a certificate', server.sign(good({ cnf: { 'x5t#S256': 'A'.repeat(43) } })), 401],
      ['bound to another proof', server.sign(good({ cnf: { jkt: 'A'.repeat(43) } })), 401],
      ['a scope of others only', server.sign(good({ scope: 'openid runs' })), 403],
      ['no scope', server.sign(good({ scope: undefined })), 403],
      ['a scope as others write it', server.sign(good({ scope: undefined, scp: ['read'] })), 200],
    ];
    const metadata = `resource_metadata="${new URL('/.well-known/oauth-protected-resource/mcp', url).href}"`;
    const told: [string, number][] = [];
    for (const [what, token] of matrix) {
      const { status, challenge, text } = await ask(await token);
      told.push([what, status]);
      if (status === 401)
        expect(challenge, what).toBe(`Bearer ${metadata}, error="invalid_token", scope="run"`);
      if (status === 403)
        expect(challenge, what).toBe(`Bearer ${metadata}, error="insufficient_scope", scope="read"`);
      expect(text).not.toMatch(/\bat .*:\d+:\d+|node_modules|JWT|JWS/);
    }
    expect(told).toEqual(matrix.map(([what, , status]) => [what, status]));
    const none = await ask(undefined);
    expect([none.status, none.challenge]).toEqual([401, `Bearer ${metadata}, scope="run"`]);
    const inQuery = await ask(undefined, hello, {}, `${url}?access_token=${await server.sign(good())}`);
    expect(inQuery.status).toBe(401);
  });

  it('does what its scope allows, and is told which one more takes', async () => {
    await serve({ scopes: { read: 'fleet:look', run: 'fleet:run', admin: 'fleet:all' } });
    const reader = await server.sign(good({ scope: 'openid fleet:look' }));
    const { session } = await ask(reader);
    const more = { 'mcp-session-id': session };
    expect((await ask(reader, tool('list_workers', {}), more)).status).toBe(200);
    const refused = await ask(reader, tool('start_run', {}), more);
    expect(refused.status).toBe(403);
    expect(refused.challenge).toMatch(/error="insufficient_scope", scope="fleet:run"$/);
    const runner = await server.sign(good({ scope: 'fleet:run' }));
    expect((await ask(runner, tool('cancel_run', { task_id: 't' }), more)).status).toBe(200);
    const own = { jsonrpc: '2.0', method: 'notifications/codex-fleet/credentials', params: {} };
    expect((await ask(runner, own, more)).challenge).toContain('scope="fleet:all"');
    expect((await ask(await server.sign(good({ scope: 'run' })))).status).toBe(403);
  });

  it('owns what it starts: neither another subject, nor the bearer of the secret, is told of it', async () => {
    await serve();
    const as = async (token: string) => {
      const { session } = await ask(token);
      return async (name: string, input: object) =>
        (await ask(token, tool(name, input), { 'mcp-session-id': session })).text;
    };
    const aliceToken = await server.sign(good());
    const alice = await as(aliceToken);
    const started = await alice('start_run', { pipeline: 'work', cwd: fleet.folder, task_id: 'hers' });
    const runId = /run_[\w-]{21}/.exec(started)?.[0] ?? '';
    const owner = `${server.issuer}#alice`;
    await fleet.until(runId, (run) => run.attempts.at(-1)?.remote_run_id !== undefined);
    expect((await fleet.run(runId)).owner).toBe(owner);
    const { worker_id: _worker, attempt: _attempt, ...handle } = handleOf();
    fleet.workers[0]?.tell(fleet.workers[0].byKey(attemptKey(runId, 1)), { handles: [handle] });
    await fleet.until(runId, (run) => run.handles.length === 1);
    const { handle_id: id } = handle;
    // The worker of this test has no bytes for it; it was asked for them.
    expect(await alice('read_handle', { handle_id: id })).not.toContain(id);
    const others = [server.sign(good({ sub: 'bob' })), server.sign(good({ sub: 'alicf' })), secret];
    for (const other of others) {
      const asOther = await as(await other);
      const unknown = handleOf().handle_id;
      const told = await asOther('read_handle', { handle_id: id });
      expect(told.replaceAll(id, 'ID')).toBe(
        (await asOther('read_handle', { handle_id: unknown })).replaceAll(unknown, 'ID'),
      );
      expect(await asOther('cancel_run', { run_ids: [runId] })).toContain('NOT_FOUND');
      expect(await asOther('poll_run', { task_id: 'hers' })).not.toContain(runId);
    }
    const { session } = await ask(aliceToken);
    const bob = await ask(await server.sign(good({ sub: 'bob' })), tool('list_workers', {}), {
      'mcp-session-id': session,
    });
    expect(bob.status).toBe(404);
    const admin = await as(await server.sign(good({ sub: 'root', scope: 'admin' })));
    expect(await admin('poll_run', { task_id: 'hers' })).toContain(runId);
  });
});

describe('the keys of the issuer', () => {
  it('may rotate, and be in a file; what is no signature of theirs stays out', async () => {
    const [old = signingKey('none')] = server.keys;
    const next = [signingKey('second', 'RS256'), signingKey('third', 'EdDSA')];
    const place = join(scratchFolder(), 'jwks.json');
    const keep = (keys: typeof next): void =>
      writeFileSync(place, JSON.stringify({ keys: keys.map(publicJwk), at: keys.map(({ kid }) => kid) }));
    keep([old]);
    await serve({ jwks: place, audience: 'https://fleet.example/mcp' });
    const of = async (by: typeof old) =>
      (await ask(await server.sign(good({ aud: 'https://fleet.example/mcp' }), { by }))).status;
    expect([await of(old), await of(next[0] ?? old), (await ask(await server.sign(good()))).status]).toEqual([
      200, 401, 401,
    ]);
    keep(next);
    expect([await of(old), await of(next[0] ?? old), await of(next[1] ?? old)]).toEqual([401, 200, 200]);
    writeFileSync(place, '{"keys":');
    expect(await of(next[0] ?? old)).toBe(503);
  });

  it.each(['fails', 'redirects', 'floods'] as const)('are not taken from a place that %s', async (jwks) => {
    server.jwks = jwks;
    await serve();
    const { status, challenge } = await ask(await server.sign(good()));
    expect([status, challenge]).toEqual([503, null]);
    expect((await ask(secret)).status).toBe(200);
  });
});

it('tells a client where to get a token, which then runs as its subject', async () => {
  await serve();
  const [bare, atPath] = await Promise.all(
    ['', '/mcp'].map(async (path) => {
      const response = await fetch(new URL(`/.well-known/oauth-protected-resource${path}`, url));
      return [response.status, await response.json()];
    }),
  );
  expect(bare).toEqual(atPath);
  expect(atPath).toEqual([
    200,
    {
      resource: url,
      authorization_servers: [server.issuer],
      scopes_supported: ['read', 'run', 'admin'],
      bearer_methods_supported: ['header'],
      resource_name: 'codex-fleet',
    },
  ]);
  const fromAfar = await fetch(new URL('/.well-known/oauth-protected-resource', url), {
    headers: { origin: 'https://evil.example' },
  });
  expect(fromAfar.status).toBe(403);

  const kept: { client?: object; tokens?: object; verifier?: string; code?: string } = {};
  const provider: OAuthClientProvider = {
    redirectUrl: 'http://127.0.0.1:1/callback',
    clientMetadata: { redirect_uris: ['http://127.0.0.1:1/callback'], client_name: 'test' },
    clientInformation: () => Object(kept.client),
    saveClientInformation: (client) => void (kept.client = client),
    tokens: () => Object(kept.tokens),
    saveTokens: (tokens) => void (kept.tokens = tokens),
    codeVerifier: () => kept.verifier ?? '',
    saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
    redirectToAuthorization: async (to) => {
      const response = await fetch(to, { redirect: 'manual' });
      kept.code = new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? '';
    },
  };
  const open = () => new StreamableHTTPClientTransport(new URL(url), { authProvider: provider });
  const first = open();
  const client = new Client({ name: 'test', version: '0' });
  await expect(client.connect(first)).rejects.toThrow('Unauthorized');
  await first.finishAuth(kept.code ?? '');
  await client.connect(open());
  onTestFinished(() => client.close());
  const input = { pipeline: 'work', cwd: fleet.folder };
  const { structuredContent } = await client.callTool({ name: 'start_run', arguments: input });
  const runId = /run_[\w-]{21}/.exec(JSON.stringify(structuredContent))?.[0] ?? '';
  expect((await fleet.run(runId)).owner).toBe(`${server.issuer}#alice`);
  expect(server.asked.map((one) => [one.get('resource'), one.get('scope')])).toEqual([
    [url, 'run'],
    [url, null],
  ]);
});
