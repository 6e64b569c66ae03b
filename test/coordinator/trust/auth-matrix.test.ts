import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { attemptKey } from '../../../coordinator/fleet/open-attempts.ts';
import { fleetServer } from '../../../coordinator/server.ts';
import { addToken } from '../../../core/trust/token-list.ts';
import { maxMessageBytes } from '../../../mcp/json-rpc.ts';
import { serveHttp, type HttpService } from '../../../mcp/serve-http.ts';
import { tokenVerifier } from '../../../mcp/verifier.ts';
import { tokenDigest } from '../../../platform/tokens.ts';
import type { Scope, TokenRecord } from '../../../schemas/principal.ts';
import { handleOf } from '../../helpers/runs.ts';
import { allUp, fakeFleet, type FakeFleet } from '../fake-fleet.ts';

let fleet: FakeFleet;
let service: HttpService;
let tokens: TokenRecord[] = [];
let port = '';
let handleId = '';
const nowMs = 5_000;

function give(
  id: string,
  owner: string,
  scope: Scope,
  more: { expires_at?: number; certificate?: string } = {},
) {
  tokens = addToken(tokens, { id, owner, scope, sha256: tokenDigest(`secret-of-${id}`), now: 1, ...more });
}

async function begin(): Promise<void> {
  tokens = [];
  fleet = await fakeFleet({ slots: [2] });
  await allUp(fleet);
  const deps = Promise.resolve({ ...fleet.parts, isStopping: () => false });
  const { factory } = fleetServer(deps, () => undefined, fleet.parts.log);
  service = await serveHttp(factory, {
    port: 0,
    verify: tokenVerifier(
      () => tokens,
      () => nowMs,
    ),
  });
  const { close } = service;
  onTestFinished(close);
  port = String(service.port);
  give('jane', 'jane', 'run');
  give('joe', 'joe', 'run');
  give('watch', 'jane', 'read');
  give('past', 'jane', 'run', { expires_at: nowMs });
  give('bound', 'jane', 'run', { certificate: 'c'.repeat(64) });
  const input = { pipeline: 'work', cwd: fleet.folder };
  const call = { ...fleet.call, owner: 'jane' };
  const runId = (await fleet.tools.start_run(input, call)).runs[0]?.run_id ?? '';
  await fleet.until(runId, (run) => run.attempts.at(-1)?.remote_run_id !== undefined);
  const { worker_id: _worker, attempt: _attempt, ...handle } = handleOf();
  fleet.workers[0]?.tell(fleet.workers[0].byKey(attemptKey(runId, 1)), { handles: [handle] });
  await fleet.until(runId, (run) => run.handles.length === 1);
  handleId = handle.handle_id;
}

interface Asked {
  headers?: OutgoingHttpHeaders;
  path?: string;
  body?: unknown;
}

function ask({ headers = {}, path = '/mcp', body }: Asked) {
  const all: OutgoingHttpHeaders = {
    host: `127.0.0.1:${port}`,
    authorization: 'Bearer secret-of-jane',
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    ...headers,
  };
  const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>(
    (resolve, reject) => {
      const options = { host: '127.0.0.1', port, path, method: 'POST', headers: sent };
      const request = httpRequest(options, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      });
      request.on('error', reject).end(typeof body === 'string' ? body : JSON.stringify(body));
    },
  );
}

const info = { name: 'matrix', version: '0' };
const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: info };
const hello = { jsonrpc: '2.0', id: 1, method: 'initialize', params };
const tool = (name: string, input: unknown) => ({
  jsonrpc: '2.0',
  id: 2,
  method: 'tools/call',
  params: { name, arguments: input },
});
const as = (name: string): OutgoingHttpHeaders => ({ authorization: `Bearer secret-of-${name}` });

async function sessionOf(name: string): Promise<OutgoingHttpHeaders> {
  const { status, headers } = await ask({ headers: as(name), body: hello });
  expect(status).toBe(200);
  return { ...as(name), 'mcp-session-id': String(headers['mcp-session-id']) };
}

const matrix: readonly [string, Asked, number][] = [
  ['a good token', {}, 200],
  ['no token', { headers: { authorization: undefined } }, 401],
  ['a wrong token', { headers: as('nobody') }, 401],
  ['the hash of a token', { headers: { authorization: `Bearer ${tokenDigest('secret-of-jane')}` } }, 401],
  [
    'a good token in the query only',
    { path: '/mcp?access_token=secret-of-jane', headers: { authorization: undefined } },
    401,
  ],
  ['a token past its time', { headers: as('past') }, 401],
  ['a token of a certificate that is not shown', { headers: as('bound') }, 401],
  ['an evil Host', { headers: { host: 'evil.example' } }, 403],
  ['an evil Host that ends as ours', { headers: { host: 'evil.example:80@127.0.0.1' } }, 403],
  ['an evil Origin', { headers: { origin: 'https://evil.example' } }, 403],
  ['the null Origin', { headers: { origin: 'null' } }, 403],
  ['two Origins', { headers: { origin: `http://127.0.0.1:1, https://evil.example` } }, 403],
  ['a form of a web page', { headers: { 'content-type': 'text/plain' } }, 415],
  ['too much', { body: `"${'x'.repeat(maxMessageBytes + 1)}"` }, 413],
  ['too much, and no token', { body: `"${'x'.repeat(maxMessageBytes + 1)}"`, headers: as('nobody') }, 401],
  ['no JSON', { body: '{' }, 400],
  ['no JSON, and no token', { body: '{', headers: as('nobody') }, 401],
];

/** The server ends a connection that goes on sending what it has refused. */
function unlessCutOff(error: unknown): undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!/EPIPE|ECONNRESET/.test(code)) throw error;
}

describe('who asks over the URL', () => {
  it('is answered with the status that fits, and never with more than that', async () => {
    await begin();
    const told: [string, number | undefined][] = [];
    for (const [what, asked] of matrix) {
      const answer = await ask({ body: hello, ...asked }).catch(unlessCutOff);
      told.push([what, answer?.status]);
      if (answer === undefined || answer.status === 200) continue;
      expect(answer.text).not.toMatch(/\bat .*:\d+:\d+|node_modules|<html/i);
      if (answer.status === 401) {
        const hasShown = asked.headers === undefined || asked.headers.authorization !== undefined;
        expect(answer.headers['www-authenticate']).toBe(hasShown ? 'Bearer error="invalid_token"' : 'Bearer');
      }
      expect(JSON.parse(answer.text), what).toMatchObject({ jsonrpc: '2.0', id: null });
    }
    const wanted = matrix.map(([what, , status], at) => [
      what,
      told[at]?.[1] === undefined ? undefined : status,
    ]);
    expect(told).toEqual(wanted);
    expect(told.filter(([what, status]) => status === undefined && !what.startsWith('too much'))).toEqual([]);
  });

  it('is checked in one order: Host, Origin, token, size, JSON', async () => {
    await begin();
    // Announced and not sent, so that nobody is cut off before he has read the answer.
    const length = { 'content-length': String(maxMessageBytes + 1), connection: 'close' };
    const origin = 'https://evil.example';
    // Wrong in all, then right in one more each time.
    const steps: [Asked, number, RegExp][] = [
      [{ headers: { host: 'evil.example', origin, ...as('nobody'), ...length } }, 403, /host name/],
      [{ headers: { origin, ...as('nobody'), ...length } }, 403, /origin/],
      [{ headers: { ...as('nobody'), ...length } }, 401, /token/],
      [{ headers: length }, 413, /a message may have/],
      [{ body: '{' }, 400, /JSON/],
      [{ body: hello }, 200, /serverInfo/],
    ];
    for (const [at, [asked, status, says]] of steps.entries()) {
      const answer = await ask(asked);
      expect([at, answer.status, answer.text]).toEqual([at, status, expect.stringMatching(says)]);
    }
  });

  it('is told of the handle of another owner what is told of one there is not', async () => {
    await begin();
    const joe = await sessionOf('joe');
    const read = async (id: string) => {
      const { status, text } = await ask({ headers: joe, body: tool('read_handle', { handle_id: id }) });
      return [status, text.replaceAll(id, 'ID')];
    };
    const [status, told] = await read(handleId);
    expect([status, told]).toEqual(await read(handleOf().handle_id));
    expect(told).toContain('There is no handle ID');
  });

  it('cannot go on in the session of another owner', async () => {
    await begin();
    const jane = await sessionOf('jane');
    const answer = await ask({ headers: { ...jane, ...as('joe') }, body: tool('list_workers', {}) });
    expect(answer.status).toBe(404);
  });

  it('may do no more than its scope, whatever it could when its session began', async () => {
    await begin();
    const watch = await sessionOf('watch');
    expect((await ask({ headers: watch, body: tool('list_workers', {}) })).status).toBe(200);
    const look = { handle_id: handleId };
    expect((await ask({ headers: watch, body: tool('read_handle', look) })).status).toBe(200);
    const refused = [
      tool('start_run', {}),
      [hello, tool('cancel_run', {})],
      tool('no_such_tool', {}),
      // Writes a file.
      tool('read_handle', { ...look, mode: 'export' }),
      // What a question of a run is answered with, in any session it has the id of.
      { jsonrpc: '2.0', id: 0, result: { action: 'accept' } },
      [{ jsonrpc: '2.0', id: 0, error: { code: -32_600, message: 'no' } }],
    ];
    for (const body of refused) {
      const answer = await ask({ headers: watch, body });
      expect(answer.status).toBe(403);
      expect(answer.headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="run"');
    }
    const jane = await sessionOf('jane');
    const own = { jsonrpc: '2.0', method: 'notifications/codex-fleet/credentials', params: {} };
    expect((await ask({ headers: jane, body: own })).status).toBe(403);
    tokens = tokens.map((one) => (one.id === 'jane' ? { ...one, scope: 'read' as const } : one));
    expect((await ask({ headers: jane, body: tool('cancel_run', { task_id: 't' }) })).status).toBe(403);
    tokens = tokens.filter(({ id }) => id !== 'jane');
    expect((await ask({ headers: jane, body: tool('list_workers', {}) })).status).toBe(401);
  });
});
