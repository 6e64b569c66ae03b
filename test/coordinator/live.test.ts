import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  ElicitRequestSchema,
  ResourceUpdatedNotificationSchema,
  type ElicitResult,
} from '@modelcontextprotocol/sdk/types.js';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { fleetResources } from '../../coordinator/resources/index.ts';
import { fleetServer } from '../../coordinator/server.ts';
import { openSocket } from '../../mcp/open-socket.ts';
import { serveHttp } from '../../mcp/serve-http.ts';
import { secretVerifier } from '../../mcp/verifier.ts';
import { serveSocket } from '../../mcp/serve-socket.ts';
import { createLogger } from '../../platform/log.ts';
import { runSnapshot } from '../../schemas/run.ts';
import { maxReplyBytes } from '../../schemas/tools.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

const log = createLogger({ name: 'live', level: 'silent' });
const secret = 'correct horse battery staple';

type Over = 'socket' | 'http';

/** A fleet that clients reach as they do in earnest. */
async function served(over: Over): Promise<{ fleet: FakeFleet; open: () => Promise<Transport> }> {
  const fleet = await fakeFleet({ slots: [4] });
  await allUp(fleet);
  const { factory } = fleetServer(
    Promise.resolve({ ...fleet.parts, isStopping: () => false }),
    () => undefined,
    log,
  );
  if (over === 'socket') {
    const path = join(scratchFolder(), 's');
    const service = await serveSocket(factory, path);
    onTestFinished(() => service.close());
    return { fleet, open: () => openSocket(path) };
  }
  const service = await serveHttp(factory, { port: 0, verify: secretVerifier(secret) });
  onTestFinished(() => service.close());
  const requestInit = { headers: { authorization: `Bearer ${secret}` } };
  const url = new URL(`http://127.0.0.1:${String(service.port)}/mcp`);
  return { fleet, open: async () => new StreamableHTTPClientTransport(url, { requestInit }) };
}

async function connected(
  transport: Transport,
  person?: () => Promise<ElicitResult>,
  name = 'live',
): Promise<Client> {
  const capabilities = person === undefined ? {} : { elicitation: {} };
  const client = new Client({ name, version: '1' }, { capabilities });
  if (person !== undefined) client.setRequestHandler(ElicitRequestSchema, person);
  await client.connect(transport);
  onTestFinished(() => client.close());
  return client;
}

/** Runs that a worker has, started by this client. */
async function start(client: Client, fleet: FakeFleet, count: number, more = {}): Promise<string[]> {
  const { structuredContent } = await client.callTool({
    name: 'start_run',
    arguments: {
      pipeline: 'work',
      cwd: fleet.folder,
      task_id: 't',
      ...more,
      runs: Array.from({ length: count }, () => ({})),
    },
  });
  const { runs } = JSON.parse(JSON.stringify(structuredContent));
  const ids: string[] = runs.map((run: { run_id: string }) => run.run_id);
  for (const id of ids) await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
  return ids;
}

function tell(fleet: FakeFleet, id: string, change: Parameters<FakeFleet['workers'][0]['tell']>[1]): void {
  const [worker] = fleet.workers;
  worker?.tell(worker.byKey(attemptKey(id, 1)), change);
}

const ended = { status: 'completed', outcome: { kind: 'exit', code: 0 }, ended_at: 1 } as const;

describe.each<Over>(['socket', 'http'])('a client over %s', (over) => {
  it('is asked what its run asks, and the run goes on as it says', async () => {
    const { fleet, open } = await served(over);
    let asked = '';
    const client = await connected(await open(), async () => ({ action: 'accept', content: {} }));
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      asked = params.message;
      return { action: 'accept', content: {} };
    });
    const [id = ''] = await start(client, fleet, 1, { ask: true });
    const begun = performance.now();
    const question = { kind: 'command', text: 'make', asked_at: 5 } as const;
    tell(fleet, id, { status: 'input_required', question });
    await fleet.until(id, (run) => run.status === 'running' && run.question === undefined && asked !== '');
    await expect
      .poll(() => fleet.workers[0]?.answers)
      .toMatchObject([{ answer: 'accept', by: 'elicitation' }]);
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(asked).toContain('make');
  });

  it('that never answers, or leaves, changes nothing: the question stays open to whoever comes', async () => {
    const { fleet, open } = await served(over);
    let isAsked = false;
    const silent = await connected(await open(), () => {
      isAsked = true;
      return new Promise(() => undefined);
    });
    const [id = ''] = await start(silent, fleet, 1, { ask: true });
    const question = { kind: 'command', text: 'make', asked_at: 5 } as const;
    const polled = silent.callTool({
      name: 'poll_run',
      arguments: { run_ids: [id], until: 'all', wait_ms: 5_000 },
    });
    tell(fleet, id, { status: 'input_required', question });
    const { structuredContent } = await polled;
    expect(structuredContent).toMatchObject({ runs: [{ status: 'input_required', question: 'make' }] });
    await expect.poll(() => isAsked).toBe(true);
    await silent.close();
    expect(await fleet.run(id)).toMatchObject({ status: 'input_required', question: { text: 'make' } });
    const other = await connected(await open());
    await other.callTool({ name: 'resume_run', arguments: { run_id: id, answer: 'decline' } });
    await fleet.until(id, (run) => run.status === 'running');
    expect(fleet.workers[0]?.answers).toMatchObject([{ answer: 'decline', by: 'client' }]);
  });

  it('that is codex exec, which declines everything at once, has asked nobody', async () => {
    const { fleet, open } = await served(over);
    let times = 0;
    const decline = async (): Promise<ElicitResult> => {
      times += 1;
      return { action: 'decline' };
    };
    const client = await connected(await open(), decline, 'codex-mcp-client');
    const [id = ''] = await start(client, fleet, 1, { ask: true });
    tell(fleet, id, { status: 'input_required', question: { kind: 'command', text: 'make', asked_at: 5 } });
    await expect.poll(() => times).toBe(1);
    await client.callTool({ name: 'resume_run', arguments: { run_id: id, answer: 'accept' } });
    expect(fleet.workers[0]?.answers).toMatchObject([{ answer: 'accept', by: 'client' }]);
  });

  it('that waits hears how many runs have ended', async () => {
    const { fleet, open } = await served(over);
    const client = await connected(await open());
    const ids = await start(client, fleet, 2);
    const told: [number, number | undefined][] = [];
    const waited = client.callTool(
      { name: 'poll_run', arguments: { run_ids: ids, until: 'all', wait_ms: 5_000 } },
      undefined,
      { onprogress: ({ progress, total }) => told.push([progress, total]) },
    );
    await expect.poll(() => told).toEqual([[0, 2]]);
    tell(fleet, ids[0] ?? '', ended);
    await expect
      .poll(() => told)
      .toEqual([
        [0, 2],
        [1, 2],
      ]);
    tell(fleet, ids[1] ?? '', ended);
    expect((await waited).structuredContent).toMatchObject({ open: 0 });
  });

  it('reads runs by their URI, lists those under way, and hears of changes, joined', async () => {
    const { fleet, open } = await served(over);
    const client = await connected(await open());
    const [id = '', other = ''] = await start(client, fleet, 2);
    const uri = `fleet://runs/${id}`;
    expect((await client.listResourceTemplates()).resourceTemplates).toMatchObject([
      { uriTemplate: 'fleet://runs/{run_id}' },
      { uriTemplate: 'fleet://handles/{handle_id}{?line,byte}' },
    ]);
    const listed = await client.listResources();
    expect(listed.resources.map((one) => one.uri).sort()).toEqual([uri, `fleet://runs/${other}`].sort());
    expect(listed.nextCursor).toBeUndefined();

    const updates: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      updates.push(params.uri);
    });
    await client.subscribeResource({ uri });
    tell(fleet, other, ended);
    const begun = performance.now();
    for (let at = 0; at < 20; at += 1) {
      tell(fleet, id, { preview: `stdout (1 lines)\n1: ${String(at)} ${'x'.repeat(40_000)}` });
      await fleet.until(id, (run) => run.preview?.includes(`1: ${String(at)} `) === true);
    }
    const mostMs = performance.now() - begun;
    await expect.poll(() => updates.length).toBeGreaterThan(0);
    const text = await readText(client, uri);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxReplyBytes);
    expect(runSnapshot.parse(JSON.parse(text))).toMatchObject({ run_id: id, status: 'running' });
    tell(fleet, id, ended);
    await expect
      .poll(async () => JSON.parse(await readText(client, uri)).status, { timeout: 4_000 })
      .toBe('completed');
    await expect.poll(() => updates.length).toBeGreaterThan(1);
    expect(new Set(updates)).toEqual(new Set([uri]));
    expect(updates.length).toBeLessThanOrEqual(2 + (mostMs + 1_500) / 500);
    expect((await client.listResources()).resources).toEqual([]);
  });

  it('hears nothing of what it has left, nor of what is not there', async () => {
    const { fleet, open } = await served(over);
    const client = await connected(await open());
    const [id = ''] = await start(client, fleet, 1);
    const uri = `fleet://runs/${id}`;
    const updates: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      updates.push(params.uri);
    });
    await client.subscribeResource({ uri });
    await client.unsubscribeResource({ uri });
    tell(fleet, id, ended);
    await fleet.ended(id);
    for (const none of ['fleet://runs/run_000000000000000000000', 'fleet://other/1', 'file:///etc/passwd']) {
      await expect(client.readResource({ uri: none })).rejects.toMatchObject({ code: -32_002 });
      await expect(client.subscribeResource({ uri: none })).rejects.toMatchObject({ code: -32_002 });
    }
    expect(updates).toEqual([]);
  });
});

async function readText(client: Client, uri: string): Promise<string> {
  const [content] = (await client.readResource({ uri })).contents;
  return content !== undefined && 'text' in content ? content.text : '';
}

describe('a run', () => {
  it('can be read, listened to and found by its owner alone', async () => {
    const { fleet } = await served('socket');
    const [id = ''] = await fleet.start(1);
    const resources = fleetResources({ ...fleet.parts, isStopping: () => false });
    const uri = `fleet://runs/${id}`;
    expect(await resources.read(uri, 'local')).toMatchObject([{ mimeType: 'application/json' }]);
    expect(await resources.read(uri, 'mallory')).toBeUndefined();
    expect(await resources.watch(uri, 'mallory', () => undefined)).toBeUndefined();
    expect(await resources.list(undefined, 'mallory')).toEqual({ resources: [] });
  });
});

describe('the list of runs', () => {
  it('comes page by page, each run once, and is of one owner', async () => {
    const { fleet, open } = await served('socket');
    const client = await connected(await open());
    await fleet.start(60);
    await fleet.start(60);
    const uris: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await client.listResources(cursor === undefined ? {} : { cursor });
      uris.push(...page.resources.map(({ uri }) => uri));
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== undefined);
    expect([pages, uris.length, new Set(uris).size]).toEqual([3, 120, 120]);
    await expect(client.listResources({ cursor: 'made up' })).rejects.toMatchObject({ code: -32_602 });
  });
});
