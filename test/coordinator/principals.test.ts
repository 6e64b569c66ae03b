import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, it, onTestFinished } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { fleetServer } from '../../coordinator/server.ts';
import { addToken, revokeToken, rotatedForMs, rotateToken } from '../../core/trust/token-list.ts';
import { connect, type Peer } from '../../mcp/client.ts';
import { serveHttp } from '../../mcp/serve-http.ts';
import { tokenVerifier } from '../../mcp/verifier.ts';
import { tokenDigest } from '../../platform/tokens.ts';
import type { Scope, TokenRecord } from '../../schemas/principal.ts';
import { fleetContracts, type FleetContracts } from '../../schemas/tools.ts';
import { allUp, fakeFleet } from './fake-fleet.ts';

const anything = {};

async function manyTokens() {
  const fleet = await fakeFleet({ slots: [4] });
  await allUp(fleet);
  const deps = Promise.resolve({ ...fleet.parts, isStopping: () => false });
  const { factory } = fleetServer(deps, () => undefined, fleet.parts.log);
  let tokens: TokenRecord[] = [];
  let nowMs = 1_000;
  const service = await serveHttp(factory, {
    port: 0,
    verify: tokenVerifier(
      () => tokens,
      () => nowMs,
    ),
  });
  const peers: Peer<FleetContracts>[] = [];
  onTestFinished(async () => {
    await Promise.all(peers.map((peer) => peer.close()));
    await service.close();
  });
  const url = `http://127.0.0.1:${String(service.port)}/mcp`;
  return {
    fleet,
    url,
    give(id: string, owner: string, scope: Scope) {
      tokens = addToken(tokens, { id, owner, scope, sha256: tokenDigest(`secret-of-${id}`), now: nowMs });
    },
    change(how: (known: readonly TokenRecord[]) => TokenRecord[] | undefined) {
      tokens = how(tokens) ?? [];
    },
    pass: (ms: number) => (nowMs += ms),
    now: () => nowMs,
    async as(secret: string) {
      const peer = await connect(fleetContracts, { url, secret });
      peers.push(peer);
      return peer;
    },
  };
}

it('gives runs to the owner of the token, and shows them to that owner and to an admin', async () => {
  const at = await manyTokens();
  at.give('jane', 'jane', 'run');
  at.give('joe', 'joe', 'run');
  at.give('boss', 'boss', 'admin');
  const jane = await at.as('secret-of-jane');
  const started = await jane.call('start_run', { pipeline: 'work', cwd: at.fleet.folder, task_id: 'hers' });
  const id = started.runs[0]?.run_id ?? '';
  expect((await at.fleet.parts.store.get(id))?.owner).toBe('jane');
  const joe = await at.as('secret-of-joe');
  await expect(joe.call('poll_run', { run_ids: [id] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(joe.call('poll_run', { task_id: 'hers' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const boss = await at.as('secret-of-boss');
  for (const input of [{ run_ids: [id] }, { task_id: 'hers' }, {}]) {
    const { runs, open } = await boss.call('poll_run', input);
    expect({ ids: runs.map(({ run_id: one }) => one), open }).toEqual({ ids: [id], open: 1 });
  }
  const own = await boss.call('start_run', { pipeline: 'work', cwd: at.fleet.folder });
  expect((await at.fleet.parts.store.get(own.runs[0]?.run_id ?? ''))?.owner).toBe('boss');
  expect((await boss.call('cancel_run', { run_ids: [id] })).runs.map(({ run_id: one }) => one)).toEqual([id]);
});

it('lets a token look that may only look, and nothing else', async () => {
  const at = await manyTokens();
  at.give('jane', 'jane', 'run');
  at.give('watch', 'jane', 'read');
  const jane = await at.as('secret-of-jane');
  const { runs } = await jane.call('start_run', { pipeline: 'work', cwd: at.fleet.folder });
  const id = runs[0]?.run_id ?? '';
  const looking = await at.as('secret-of-watch');
  expect((await looking.call('poll_run', { run_ids: [id] })).runs).toHaveLength(1);
  await expect(looking.call('cancel_run', { run_ids: [id] })).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  const trying = await at.as('secret-of-watch');
  await expect(trying.call('start_run', { pipeline: 'work', cwd: at.fleet.folder })).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
  });
  expect((await jane.call('poll_run', { run_ids: [id] })).runs[0]?.status).not.toBe('cancelled');
});

it('asks nobody what a run wants to know who may only look', async () => {
  const at = await manyTokens();
  at.give('jane', 'jane', 'run');
  at.give('watch', 'jane', 'read');
  const jane = await at.as('secret-of-jane');
  const { runs } = await jane.call('start_run', { pipeline: 'work', cwd: at.fleet.folder, ask: true });
  const id = runs[0]?.run_id ?? '';
  await at.fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
  const asked: string[] = [];
  for (const name of ['watch', 'jane']) {
    const client = new Client({ name, version: '1' }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, () => {
      asked.push(name);
      return { action: 'accept', content: {} };
    });
    const requestInit = { headers: { authorization: `Bearer secret-of-${name}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(at.url), { requestInit }));
    onTestFinished(() => client.close());
    const waiting = { run_ids: [id], wait_ms: 10_000, until: 'all' };
    void client.callTool({ name: 'poll_run', arguments: waiting }).catch(() => undefined);
  }
  const [worker] = at.fleet.workers;
  const question = { kind: 'command', text: 'make', asked_at: 5 } as const;
  worker?.tell(worker.byKey(attemptKey(id, 1)), { status: 'input_required', question });
  await expect.poll(() => worker?.answers, { timeout: 4_000 }).toMatchObject([{ answer: 'accept' }]);
  expect(asked).toEqual(['jane']);
});

it('keeps the secret before the last valid for a day, and none that was revoked for a moment', async () => {
  const at = await manyTokens();
  at.give('jane', 'jane', 'run');
  const jane = await at.as('secret-of-jane');
  at.change((known) => rotateToken(known, 'jane', tokenDigest('the-next'), at.now()));
  await jane.call('list_workers', anything);
  await (await at.as('the-next')).call('list_workers', anything);
  at.pass(rotatedForMs - 1);
  await jane.call('list_workers', anything);
  at.pass(1);
  await expect(jane.call('list_workers', anything)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  const next = await at.as('the-next');
  at.change((known) => revokeToken(known, 'jane'));
  await expect(next.call('list_workers', anything)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
});
