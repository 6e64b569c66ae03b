import { getEventListeners } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { serveHttp } from '../../mcp/serve-http.ts';
import { secretVerifier } from '../../mcp/verifier.ts';
import { fleetContracts } from '../../schemas/tools.ts';
import { inertFleet } from '../../scripts/lib/live-tools.ts';
import { connectFleet, fleetOver, type FleetClient, type FleetConnection } from '../../stubs/index.ts';
import { exampleRun, smallFleet } from './support.ts';

const secret = 's3cret';
const handle = fleetContracts.read_handle.example.input.handle_id;
const probeMain = join(import.meta.dirname, '..', 'mcp', 'support', 'probe-main.ts');

async function overHttp(): Promise<[FleetConnection, () => Promise<void>]> {
  const service = await serveHttp(inertFleet, { port: 0, verify: secretVerifier(secret) });
  return [{ url: `http://127.0.0.1:${String(service.port)}/mcp`, secret }, service.close];
}

function overStdio(): Promise<[FleetConnection, () => Promise<void>]> {
  const args = ['--import', 'tsx', probeMain, 'fleet'];
  return Promise.resolve([{ command: process.execPath, args }, () => Promise.resolve()]);
}

async function expectEveryMethod(client: Omit<FleetClient, 'close'>): Promise<void> {
  const examples = fleetContracts;
  expect(await client.startRun({ prompt: 'p' })).toEqual(examples.start_run.example.output);
  expect(await client.pollRun({ task_id: 't' })).toEqual(examples.poll_run.example.output);
  expect(await client.readHandle({ handle_id: handle })).toEqual(examples.read_handle.example.output);
  expect(await client.pauseRun({ run_id: exampleRun })).toEqual(examples.pause_run.example.output);
  expect(await client.resumeRun({ run_id: exampleRun })).toEqual(examples.resume_run.example.output);
  expect(await client.cancelRun({ run_ids: [exampleRun] })).toEqual(examples.cancel_run.example.output);
  expect(await client.listWorkers()).toEqual(examples.list_workers.example.output);
}

describe('the typed client', () => {
  it.each([
    ['http', overHttp],
    ['stdio', overStdio],
  ])('has a method for every tool, over %s', async (_kind, serve) => {
    const [connection, end] = await serve();
    const client = await connectFleet(connection);
    await expectEveryMethod(client);
    await client.close();
    await end();
  });

  it('works over any caller of tools', async () => {
    const called: string[] = [];
    const fleet = fleetOver((name) => {
      called.push(name);
      return Promise.resolve({ structuredContent: fleetContracts[name].example.output });
    });
    await expectEveryMethod(fleet);
    expect(called).toEqual(Object.keys(fleetContracts));
  });

  it('throws the error of the fleet', async () => {
    const { client, close } = await smallFleet({});
    await expect(client.pauseRun({ run_id: 'nonsense' })).rejects.toMatchObject({
      name: 'FleetCallError',
      code: 'INVALID_INPUT',
      retryable: false,
      next: 'Correct the named field and call again.',
    });
    await close();
  });

  it.each([
    ['nothing', undefined],
    ['no structured content', { content: [] }],
    ['other fields', { structuredContent: { workers: [] } }],
    ['an error of another server', { isError: true, content: [{ type: 'text', text: 'boom' }] }],
  ])('does not take %s for an answer', async (_what, result) => {
    const fleet = fleetOver(() => Promise.resolve(result));
    await expect(fleet.listWorkers()).rejects.toMatchObject({ name: 'FleetCallError', code: 'INTERNAL' });
  });

  it('says that it is disconnected', async () => {
    const missing = connectFleet({ command: join(import.meta.dirname, 'no-such-program') });
    await expect(missing).rejects.toMatchObject({ code: 'DISCONNECTED', retryable: false });
    const { client, close } = await smallFleet({});
    await close();
    await expect(client.listWorkers()).rejects.toMatchObject({ code: 'DISCONNECTED', retryable: false });
  });

  it('says that its secret is wrong', async () => {
    const service = await serveHttp(inertFleet, { port: 0, verify: secretVerifier(secret) });
    const url = `http://127.0.0.1:${String(service.port)}/mcp`;
    await expect(connectFleet({ url, secret: 'wrong' })).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await service.close();
  });

  it('connects anew to a fleet that was restarted', async () => {
    const first = await serveHttp(inertFleet, { port: 0, verify: secretVerifier(secret) });
    const client = await connectFleet({ url: `http://127.0.0.1:${String(first.port)}/mcp`, secret });
    await client.listWorkers();
    await first.close();
    const gone = { code: 'DISCONNECTED', retryable: true };
    await expect(client.listWorkers()).rejects.toMatchObject(gone);
    await expect(client.listWorkers()).rejects.toMatchObject(gone);
    const second = await serveHttp(inertFleet, { port: first.port, verify: secretVerifier(secret) });
    expect(await client.listWorkers()).toEqual(fleetContracts.list_workers.example.output);
    await client.close();
    await second.close();
  });

  it('gives up after the time of a call, and leaves no listener on a signal', async () => {
    const { client, close } = await smallFleet({ list_workers: () => new Promise(() => undefined) });
    const late = client.listWorkers({}, { timeoutMs: 20 });
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true });
    const { signal } = new AbortController();
    await client.pauseRun({ run_id: exampleRun }, { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await close();
  });
});

it('imports nothing but the SDK and itself', async () => {
  const folder = join(import.meta.dirname, '..', '..', 'stubs');
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.ts'))) {
    const text = await readFile(join(folder, file), 'utf8');
    const sources = [...text.matchAll(/from '([^']+)'/g)].map(([, source]) => source);
    for (const source of sources)
      expect(source).toMatch(/^(\.\/[a-z-]+\.ts|@modelcontextprotocol\/sdk\/.+)$/);
  }
});
