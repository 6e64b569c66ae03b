import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fleetPaths } from '../../platform/paths.ts';
import { BridgeClient } from './bridge-client.ts';
import { FakeCoordinator, type Json } from './fake-coordinator.ts';

let stateDir: string;
let fake: FakeCoordinator;
let client: BridgeClient;

const listen = (): Promise<FakeCoordinator> =>
  FakeCoordinator.listen(fleetPaths({ CODEX_FLEET_STATE_DIR: stateDir }).coordinatorSocket, (message) =>
    message['method'] === 'resources/read' ? undefined : {},
  );

const ask = (id: number, message: string): Json => ({
  jsonrpc: '2.0',
  id,
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties: {} } },
});

/** The `n`th message of this method the client has got. */
async function told(method: string, n = 1): Promise<Json> {
  const found = (): Json[] => client.messages.filter((message) => message['method'] === method);
  await expect.poll(() => found().length, { timeout: 5_000 }).toBeGreaterThanOrEqual(n);
  return found()[n - 1] ?? {};
}

/** Answers that reached the coordinator. */
const answers = (): Json[] => fake.received.filter((message) => message['method'] === undefined);

async function nextCoordinator(): Promise<void> {
  await fake.close();
  fake = await listen();
  client.send({ id: 'after', method: 'tools/list' });
  await fake.got('tools/list');
}

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'fb-'));
  // To the bridge somebody else is just starting the coordinator, and will be for an hour.
  await writeFile(join(stateDir, 'starting'), '');
  const later = new Date(Date.now() + 3_600_000);
  await utimes(join(stateDir, 'starting'), later, later);
  fake = await listen();
  client = new BridgeClient(stateDir);
  await client.initialize();
  await client.request(1, 'tools/list');
});

afterEach(async () => {
  await client.end();
  await fake.close();
  await rm(stateDir, { recursive: true, force: true });
});

describe('what a coordinator asks', () => {
  it('reaches the client, and its answer the coordinator under the id it was asked by', async () => {
    fake.send(ask(0, 'first'));
    const { id, params } = await told('elicitation/create');
    expect(params).toMatchObject({ message: 'first' });
    client.send({ id, result: { action: 'accept' } });
    await expect.poll(answers).toEqual([{ jsonrpc: '2.0', id: 0, result: { action: 'accept' } }]);
  });

  it('is taken back with its coordinator, and the answer to it is none to the next', async () => {
    fake.send(ask(0, 'may I delete it?'));
    const first = await told('elicitation/create');
    await nextCoordinator();
    expect((await told('notifications/cancelled'))['params']).toMatchObject({ requestId: first['id'] });
    fake.send(ask(0, 'may I list it?'));
    const second = await told('elicitation/create', 2);
    expect(second['id']).not.toBe(first['id']);
    client.send({ id: first['id'], result: { action: 'accept' } });
    client.send({ id: second['id'], result: { action: 'decline' } });
    await expect.poll(() => answers().length).toBe(1);
    expect(answers()).toEqual([{ jsonrpc: '2.0', id: 0, result: { action: 'decline' } }]);
  });

  it('it can take back itself', async () => {
    fake.send(ask(7, 'first'));
    const { id } = await told('elicitation/create');
    fake.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } });
    expect((await told('notifications/cancelled'))['params']).toMatchObject({ requestId: id });
  });
});

describe('notifications', () => {
  it('pass as they are', async () => {
    const params = { progressToken: 3, progress: 1, total: 2 };
    fake.send({ jsonrpc: '2.0', method: 'notifications/progress', params });
    expect((await told('notifications/progress'))['params']).toEqual(params);
  });
});

describe('what a client listens to', () => {
  const uri = 'fleet://runs/run_1';

  it('is asked of the next coordinator, and may have changed meanwhile', async () => {
    await client.request(2, 'resources/subscribe', { uri });
    await nextCoordinator();
    const [again] = await fake.got('resources/subscribe');
    expect(again?.['params']).toEqual({ uri });
    expect((await told('notifications/resources/updated'))['params']).toEqual({ uri });
    await client.answer('after');
    expect(client.messages.filter(({ id }) => id !== undefined).map(({ id }) => id)).toEqual([
      'init',
      1,
      2,
      'after',
    ]);
  });

  it('is forgotten once it does not want to hear of it any more', async () => {
    await client.request(2, 'resources/subscribe', { uri });
    await client.request(3, 'resources/unsubscribe', { uri });
    await nextCoordinator();
    await client.answer('after');
    expect(fake.received.filter(({ method }) => method === 'resources/subscribe')).toEqual([]);
  });
});
