import { createConnection } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { fleetServer } from '../../coordinator/server.ts';
import { isRecord } from '../../mcp/json-rpc.ts';
import { serveSocket } from '../../mcp/serve-socket.ts';
import { cliClientName } from '../../schemas/server-info.ts';
import { handleOf } from '../helpers/runs.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

type Json = Record<string, unknown>;

const key = 'io.modelcontextprotocol/';
const stateless = {
  [`${key}protocolVersion`]: '2026-07-28',
  [`${key}clientInfo`]: { name: 'test', version: '1' },
  [`${key}clientCapabilities`]: { extensions: { [`${key}tasks`]: {} } },
};

/** A client that sees its replies as they come over the wire. */
async function clientOf(path: string, hello?: { name: string; protocolVersion: string }) {
  const socket = createConnection(path).setEncoding('utf8');
  onTestFinished(() => void socket.destroy());
  const answers = new Map<number, (message: Json) => void>();
  let rest = '';
  let ids = 0;
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message: unknown = JSON.parse(line);
      if (isRecord(message)) answers.get(Number(message['id']))?.(message);
    }
  });
  function request(method: string, params: Json): Promise<Json> {
    const id = (ids += 1);
    const _meta = hello === undefined ? stateless : {};
    socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } })}\n`);
    return new Promise((resolve) => answers.set(id, resolve));
  }
  if (hello !== undefined) {
    const { name, protocolVersion } = hello;
    const clientInfo = { name, version: '1' };
    await request('initialize', { protocolVersion, capabilities: {}, clientInfo });
  }
  return {
    request,
    call: (name: string, input: Json) => request('tools/call', { name, arguments: input }),
  };
}

async function served(): Promise<{ fleet: FakeFleet; path: string }> {
  const fleet = await fakeFleet({ slots: [4] });
  await allUp(fleet);
  const deps = Promise.resolve({ ...fleet.parts, isStopping: () => false });
  const { factory, stateless: era } = fleetServer(deps, () => undefined, fleet.parts.log);
  const path = join(fleet.folder, 's');
  const service = await serveSocket(factory, path, { stateless: era });
  onTestFinished(() => service.close());
  return { fleet, path };
}

/** A run that printed more than its preview shows. */
async function printed(fleet: FakeFleet, runId: string): Promise<string> {
  const { worker_id: _worker, attempt: _attempt, ...handle } = handleOf({ bytes: 90_000, lines: 4_000 });
  const [worker] = fleet.workers;
  if (worker === undefined) throw new Error('no worker');
  await fleet.until(runId, (run) => run.attempts[0]?.remote_run_id !== undefined);
  worker.onRead = ({ handle_id: id, from = 0 }) => ({
    handle_id: id,
    run_id: runId,
    stream: 'stdout',
    text: 'a line of some log\n'.repeat(300),
    encoding: 'utf8',
    truncated: false,
    from_byte: from,
    to_byte: from + 5_700,
    bytes: 90_000,
    lines: 4_000,
    sealed: true,
    next: 'Read on.',
  });
  worker.tell(worker.byKey(attemptKey(runId, 1)), {
    status: 'completed',
    outcome: { kind: 'exit', code: 0 },
    ended_at: Date.now(),
    handles: [handle],
    preview: `stdout (4000 lines, 90000 bytes)\n${'1: a line of some log\n'.repeat(40)}`,
  });
  await fleet.ended(runId);
  return handle.handle_id;
}

/** All of a result but names and marks around what it says; JSON in a text has its marks marked. */
function fits(bytes: number, result: Json): boolean {
  const size = Buffer.byteLength(JSON.stringify(result));
  const isText = result['structuredContent'] === undefined && 'content' in result;
  return bytes <= size && bytes >= size * (isText ? 0.85 : 0.97) - 75;
}

const resultOf = (message: Json): Json => (isRecord(message['result']) ? message['result'] : {});
const runIdIn = ({ structuredContent: said }: Json): string =>
  isRecord(said) && Array.isArray(said['runs']) ? String(said['runs'][0]?.run_id) : '';

it('every reply that reaches an agent is counted, once, as long as it is', async () => {
  const { fleet, path } = await served();
  const agent = await clientOf(path, { name: 'agent', protocolVersion: '2025-06-18' });
  const older = await clientOf(path, { name: 'agent', protocolVersion: '2024-11-05' });
  const newer = await clientOf(path);
  const person = await clientOf(path, { name: cliClientName, protocolVersion: '2025-06-18' });

  async function toldOf(runId: string): Promise<{ replies: number; bytes: number }> {
    await fleet.parts.told.save();
    const { replies, bytes } = (await fleet.store.told(runId)) ?? { replies: 0, bytes: 0 };
    return { replies, bytes };
  }
  /** What a reply on the wire made told of the run is that reply, but for the names around it. */
  async function isCounted(name: string, runId: string, reply: () => Promise<Json>): Promise<Json> {
    const before = await toldOf(runId);
    const message = await reply();
    const after = await toldOf(runId);
    expect({ name, replies: after.replies - before.replies }).toEqual({ name, replies: 1 });
    const { _meta, ...result } = resultOf(message);
    expect({ name, fits: fits(after.bytes - before.bytes, result) }).toEqual({ name, fits: true });
    return result;
  }
  async function isNot(name: string, runId: string, reply: () => Promise<Json>): Promise<void> {
    const before = await toldOf(runId);
    await reply();
    expect({ name, ...(await toldOf(runId)) }).toEqual({ name, ...before });
  }

  const input = { pipeline: 'work', cwd: fleet.folder };
  const begun = resultOf(await agent.call('start_run', input));
  const runId = runIdIn(begun);
  expect((await toldOf(runId)).replies).toBe(1);
  const handle = await printed(fleet, runId);
  const polled = await isCounted('poll_run', runId, () => agent.call('poll_run', { run_ids: [runId] }));
  expect(JSON.stringify(polled['content'])).toContain(`fleet://handles/${handle}`);
  await isCounted('poll_run, nothing new', runId, () =>
    agent.call('poll_run', { run_ids: [runId], cursor: '999999' }),
  );
  await isCounted('poll_run, older', runId, () => older.call('poll_run', { run_ids: [runId] }));
  await isCounted('poll_run, newer', runId, () => newer.call('poll_run', { run_ids: [runId] }));
  await isCounted('cancel_run', runId, () => agent.call('cancel_run', { run_ids: [runId] }));
  await isCounted('read_handle', runId, () => agent.call('read_handle', { handle_id: handle }));
  await isCounted('resources/read of a run', runId, () =>
    agent.request('resources/read', { uri: `fleet://runs/${runId}` }),
  );
  await isCounted('resources/read of a handle', runId, () =>
    agent.request('resources/read', { uri: `fleet://handles/${handle}?line=7` }),
  );
  const task = await isCounted('tasks/get', runId, () => newer.request('tasks/get', { taskId: runId }));
  expect(task['status']).toBe('completed');
  await isNot('an error', runId, () => agent.call('resume_run', { run_id: runId }));
  await isNot('what a person looks at', runId, () => person.call('poll_run', { run_ids: [runId] }));

  // A task is handed out instead of the reply, which nobody sees.
  const seed = resultOf(await newer.call('start_run', input));
  const { _meta, ...sent } = seed;
  const toldOfTask = await toldOf(String(seed['taskId']));
  expect(toldOfTask.replies).toBe(1);
  expect(fits(toldOfTask.bytes, sent)).toBe(true);

  // A batch is cut by its runs, and nothing of it is lost.
  const batch = { ...input, runs: [{ label: 'one' }, { label: 'two' }] };
  const both = resultOf(await agent.call('start_run', batch));
  const said = both['structuredContent'];
  const ids =
    isRecord(said) && Array.isArray(said['runs']) ? said['runs'].map((run) => String(run.run_id)) : [];
  const told = await Promise.all(ids.map(toldOf));
  expect(told.map(({ replies }) => replies)).toEqual([1, 1]);
  const sum = told.reduce((bytes, one) => bytes + one.bytes, 0);
  expect(fits(sum, both)).toBe(true);
});
