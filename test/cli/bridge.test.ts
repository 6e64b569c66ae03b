import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify, stillRuns } from '../../platform/process-identity.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { metaPrefix, statelessVersion } from '../../mcp/discovery.ts';
import { tasksExtension } from '../../mcp/tasks.ts';
import { bridgeProtocol, fleetInstructions } from '../../schemas/server-info.ts';
import { BridgeClient, program } from './bridge-client.ts';
import { FakeCoordinator, type Json } from './fake-coordinator.ts';

/** Generous against a busy machine; the promise to clients is 500 ms. */
const goneWithinMs = 500;

let stateDir: string;
let fake: FakeCoordinator | undefined;
const clients: BridgeClient[] = [];

function socketPath(): string {
  return fleetPaths({ CODEX_FLEET_STATE_DIR: stateDir }).coordinatorSocket;
}

function open(options?: ConstructorParameters<typeof BridgeClient>[1]): BridgeClient {
  const client = new BridgeClient(stateDir, options);
  clients.push(client);
  return client;
}

/** To the bridge somebody else is just starting the coordinator, and will be for an hour. */
async function keepFromStarting(): Promise<void> {
  const hint = join(stateDir, 'starting');
  await writeFile(hint, '');
  const later = new Date(Date.now() + 3_600_000);
  await utimes(hint, later, later);
}

const echo = (message: Json): Json => ({ asked: message['method'], params: message['params'] });

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'fb-'));
  await keepFromStarting();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
  await fake?.close();
  fake = undefined;
  await rm(stateDir, { recursive: true, force: true });
});

describe('the handshake', () => {
  it('is answered by the bridge itself, fast, with no coordinator there', async () => {
    fake = await FakeCoordinator.listen(socketPath(), () => undefined);
    const startedAt = performance.now();
    const answer = await open().initialize();
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(answer['result']).toMatchObject({
      protocolVersion: '2025-06-18',
      capabilities: { tools: {} },
      serverInfo: { name: 'fleet' },
      instructions: fleetInstructions,
    });
  });

  it.each([
    ['2024-11-05', '2024-11-05'],
    ['2025-03-26', '2025-03-26'],
    ['2025-11-25', '2025-11-25'],
    ['1999-01-01', '2025-11-25'],
  ])('asked for %s settles on %s', async (asked, settled) => {
    fake = await FakeCoordinator.listen(socketPath(), () => undefined);
    const answer = await open().initialize(asked);
    expect(answer['result']).toMatchObject({ protocolVersion: settled });
  });

  it("reaches the coordinator once, and its answer does not reach the client's ids", async () => {
    fake = await FakeCoordinator.listen(socketPath(), echo);
    const client = open();
    await client.initialize();
    await client.request(1, 'tools/list');
    expect(fake.received.map((message) => message['method'])).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/list',
    ]);
    expect(client.messages.map((message) => message['id'])).toEqual(['init', 1]);
  });
});

describe('a client that never sends initialize', () => {
  const _meta = { [`${metaPrefix}protocolVersion`]: statelessVersion };

  it('is told what there is by the bridge itself, fast, with no coordinator there', async () => {
    const startedAt = performance.now();
    const answer = await open().request(1, 'server/discover', { _meta });
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(answer['result']).toMatchObject({
      resultType: 'complete',
      supportedVersions: [statelessVersion],
      capabilities: { tools: {}, extensions: { [tasksExtension]: {} } },
      instructions: fleetInstructions,
      _meta: { [`${metaPrefix}serverInfo`]: { name: 'fleet' } },
    });
  });

  it('and asks for another version has its answer from the coordinator', async () => {
    fake = await FakeCoordinator.listen(socketPath(), echo);
    const other = { _meta: { [`${metaPrefix}protocolVersion`]: '2099-01-01' } };
    expect((await open().request(1, 'server/discover', other))['result']).toMatchObject({
      asked: 'server/discover',
    });
  });

  it('has its requests sent again to the next coordinator, and nothing before them', async () => {
    fake = await FakeCoordinator.listen(socketPath(), () => undefined);
    const client = open();
    await client.request('probe', 'server/discover', { _meta });
    const answered = client.request(2, 'tasks/get', { taskId: 'run_1', _meta });
    const [first] = await fake.got('tasks/get');
    await fake.close();
    fake = await FakeCoordinator.listen(socketPath(), echo);
    expect((await answered)['result']).toMatchObject({ asked: 'tasks/get' });
    expect(fake.received).toEqual([first]);
  });

  it('keeps its subscription, however many coordinators come and go', async () => {
    fake = await FakeCoordinator.listen(socketPath(), () => undefined);
    const client = open();
    client.send({ id: 1, method: 'subscriptions/listen', params: { _meta } });
    for (let times = 0; times < 4; times += 1) {
      await fake.got('subscriptions/listen');
      await fake.close();
      fake = await FakeCoordinator.listen(socketPath(), () => undefined);
    }
    await fake.got('subscriptions/listen');
    expect(client.messages).toEqual([]);
  });
});

describe('a call', () => {
  it('carries its id and the folder of the client, and nothing else changes', async () => {
    fake = await FakeCoordinator.listen(socketPath(), echo);
    const client = open();
    await client.initialize();
    await client.request(1, 'tools/call', { name: 'poll_run', arguments: {}, _meta: { progressToken: 9 } });
    await client.request(2, 'tools/call', { name: 'poll_run' });
    const calls = await fake.got('tools/call', 2);
    const metas = calls.map((message) => JSON.stringify(message['params']));
    expect(metas[0]).toMatch(
      /^\{"name":"poll_run","arguments":\{\},"_meta":\{"progressToken":9,"codex-fleet\/call":\{"id":"[\w-]+\.1","cwd":"[^"]+","depth":0\}\}\}$/,
    );
    expect(metas[1]).toMatch(/^\{"name":"poll_run","_meta":\{"codex-fleet\/call":\{"id":"[\w-]+\.2","cwd":/);
    expect(metas[0]).toContain(stateDir);
  });

  it('and its answer may be megabytes long, both ways', async () => {
    const big = 'é"\\\n'.repeat(400_000);
    fake = await FakeCoordinator.listen(socketPath(), (message) => ({ back: message['params'] }));
    const client = open();
    await client.initialize();
    const answer = await client.request(1, 'tools/call', { name: 'x', arguments: { big } });
    expect(answer['result']).toMatchObject({ back: { arguments: { big } } });
  });

  it('is sent again to the next coordinator, after the handshake, with the same id', async () => {
    fake = await FakeCoordinator.listen(socketPath(), () => undefined);
    const client = open();
    await client.initialize();
    const answered = client.request(1, 'tools/call', { name: 'start_run' });
    const [first] = await fake.got('tools/call');
    await fake.close();
    fake = await FakeCoordinator.listen(socketPath(), echo);
    await answered;
    expect(fake.received.map((message) => message['method'])).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/call',
    ]);
    expect(fake.received[2]).toEqual(first);
  });

  it('that the client cancelled is not sent again', async () => {
    fake = await FakeCoordinator.listen(socketPath(), () => undefined);
    const client = open();
    await client.initialize();
    client.send({ id: 1, method: 'tools/call', params: { name: 'poll_run' } });
    await fake.got('tools/call');
    client.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
    await fake.got('notifications/cancelled');
    await fake.close();
    fake = await FakeCoordinator.listen(socketPath(), echo);
    await client.request(2, 'ping');
    expect(fake.received.map((message) => message['method'])).not.toContain('tools/call');
  });

  it('that ends the coordinator each time is given up, not repeated for ever', async () => {
    const client = open();
    fake = await FakeCoordinator.listen(socketPath(), () => undefined);
    await client.initialize();
    const answered = client.request(1, 'tools/call', { name: 'poison' });
    for (let times = 0; times < 3; times += 1) {
      // A call may also reach one that is just closing: then it is given up sooner.
      await Promise.race([fake.got('tools/call'), answered]);
      await fake.close();
      fake = await FakeCoordinator.listen(socketPath(), () => undefined);
    }
    expect(JSON.stringify((await answered)['result'])).toContain('INTERNAL');
  });
});

describe('a coordinator of another version', () => {
  async function record(version: string, protocol: number): Promise<void> {
    const standing = { ...identify(process.pid), version, protocol };
    await writeFile(join(stateDir, 'process.json'), JSON.stringify(standing));
  }

  it('that is newer and speaks otherwise is refused, with the way out', async () => {
    await record('99.0.0', 1_000);
    fake = await FakeCoordinator.listen(socketPath(), echo);
    const client = open();
    await client.initialize();
    for (const id of [1, 2]) {
      const { result } = await client.request(id, 'tools/call', { name: 'list_workers' });
      const text = JSON.stringify(result);
      expect(text).toContain('CONFLICT');
      expect(text).toMatch(/99\.0\.0.*Restart the client/);
    }
    expect(fake.received).toEqual([]);
    await fake.close();
    await record('99.0.0', bridgeProtocol);
    fake = await FakeCoordinator.listen(socketPath(), echo);
    expect(await client.request(3, 'tools/call')).toMatchObject({ result: { asked: 'tools/call' } });
  });

  it('that is older and speaks otherwise is waited out', async () => {
    await record('0.0.1', 0);
    fake = await FakeCoordinator.listen(socketPath(), echo);
    const client = open();
    await client.initialize();
    const answer = client.request(1, 'tools/call');
    await expect.poll(() => fake?.connections).toBe(1);
    expect(fake.received).toEqual([]);
    await fake.close();
    await record('99.0.0', bridgeProtocol);
    fake = await FakeCoordinator.listen(socketPath(), echo);
    expect(await answer).toMatchObject({ result: { asked: 'tools/call' } });
  });
});

describe('back-pressure', () => {
  it('holds a flood for a client that does not read, and still ends at once', async () => {
    const page = 'x'.repeat(30_000);
    fake = await FakeCoordinator.listen(socketPath(), () => ({ page }));
    const client = open();
    await client.initialize();
    client.child.stdout.pause();
    for (let id = 1; id <= 400; id += 1)
      client.send({ id, method: 'tools/call', params: { name: 'read_handle' } });
    await fake.got('tools/call', 100);
    client.child.stdout.resume();
    for (const id of [1, 200, 400]) expect((await client.answer(id))['result']).toEqual({ page });
    client.child.stdout.pause();
    for (let id = 401; id <= 800; id += 1)
      client.send({ id, method: 'tools/call', params: { name: 'read_handle' } });
    await fake.got('tools/call', 450);
    const endedAt = performance.now();
    const exited = once(client.child, 'exit');
    client.child.kill('SIGTERM');
    await exited;
    expect(performance.now() - endedAt).toBeLessThan(goneWithinMs);
    client.child.stdout.resume();
  });
});

describe('the end', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('by %s comes within 0.5 s', async (signal) => {
    fake = await FakeCoordinator.listen(socketPath(), () => undefined);
    const client = open();
    await client.initialize();
    client.send({ id: 1, method: 'tools/call', params: { name: 'poll_run' } });
    await fake.got('tools/call');
    const endedAt = performance.now();
    client.child.kill(signal);
    await client.exited;
    expect(performance.now() - endedAt).toBeLessThan(goneWithinMs);
  });

  it('of stdin ends it within 0.5 s, a call under way or not', async () => {
    fake = await FakeCoordinator.listen(socketPath(), () => undefined);
    const client = open();
    await client.initialize();
    client.send({ id: 1, method: 'tools/call', params: { name: 'poll_run' } });
    await fake.got('tools/call');
    const endedAt = performance.now();
    client.child.stdin.end();
    expect(await client.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - endedAt).toBeLessThan(goneWithinMs);
  });

  it('of stdin still lets the last answers through', async () => {
    fake = await FakeCoordinator.listen(socketPath(), echo);
    const client = open();
    client.send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18' } });
    client.child.stdin.end(`${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' })}\n`);
    await client.exited;
    expect(client.messages.map((message) => message['id'])).toEqual([1, 2]);
  });

  it('of its reader ends it', async () => {
    fake = await FakeCoordinator.listen(socketPath(), echo);
    const client = open();
    await client.initialize();
    client.child.stdout.destroy();
    const endedAt = performance.now();
    client.send({ id: 1, method: 'ping' });
    await once(client.child, 'exit');
    expect(performance.now() - endedAt).toBeLessThan(goneWithinMs);
  });

  it('of its parent ends it, even where somebody else keeps its stdin open', async () => {
    fake = await FakeCoordinator.listen(socketPath(), echo);
    const env = { PATH: process.env['PATH'] ?? '', CODEX_FLEET_STATE_DIR: stateDir };
    const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    const keep = `console.log(${JSON.stringify(ping)}); setInterval(() => undefined, 1000);`;
    const keeper = spawn(process.execPath, ['-e', keep], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const start = `const { spawn } = require('node:child_process');
      const stdio = ['inherit', 'ignore', 'inherit'];
      const child = spawn(process.execPath, [${JSON.stringify(program)}, 'mcp'], { stdio });
      process.stdout.write(String(child.pid));
      setInterval(() => undefined, 1000);`;
    const parent = spawn(process.execPath, ['-e', start], { env, stdio: [keeper.stdout, 'pipe', 'inherit'] });
    try {
      const [pidText] = await once(parent.stdout, 'data');
      const bridge = identify(Number(pidText));
      await fake.got('ping');
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      const endedAt = performance.now();
      await expect
        .poll(() => bridge !== undefined && stillRuns(bridge), { interval: 20, timeout: 3_000 })
        .toBe(false);
      expect(performance.now() - endedAt).toBeLessThan(goneWithinMs);
    } finally {
      keeper.kill('SIGKILL');
      parent.kill('SIGKILL');
    }
  });
});
