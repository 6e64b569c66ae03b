import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fleetServer } from '../../coordinator/server.ts';
import { FleetError } from '../../core/errors.ts';
import { connect, type Peer } from '../../mcp/client.ts';
import { serveHttp } from '../../mcp/serve-http.ts';
import { secretVerifier } from '../../mcp/verifier.ts';
import { serveSocket } from '../../mcp/serve-socket.ts';
import { manifest } from '../../schemas/manifest.ts';
import { buildManifest } from '../../coordinator/manifest/build-manifest.ts';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { createTasks } from '../../coordinator/tasks.ts';
import { fleetContracts, type FleetContracts } from '../../schemas/tools.ts';
import { handleOf, newRun } from '../helpers/runs.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

type Client = Peer<FleetContracts>;

const anything = { params: z.looseObject({}), result: z.looseObject({}) };
const secret = 'joes-secret-of-enough-characters-for-a-bearer';

/** One fleet, whose runs are Jane's by the socket and Joe's by a URL. */
async function twoOwners(config: Record<string, unknown> = {}) {
  const fleet = await fakeFleet({ slots: [4], config });
  await allUp(fleet);
  const deps = Promise.resolve({ ...fleet.parts, isStopping: () => false });
  const of = (owner: string) => fleetServer(deps, () => undefined, fleet.parts.log, owner);
  const path = join(scratchFolder(), 's');
  const socket = await serveSocket(of('jane').factory, path);
  const http = await serveHttp(of('joe').factory, {
    port: 0,
    verify: secretVerifier(secret, { owner: 'joe', scope: 'run' }),
  });
  const jane = await connect(fleetContracts, { socket: path });
  const joe = await connect(fleetContracts, { url: `http://127.0.0.1:${String(http.port)}/mcp`, secret });
  onTestFinished(async () => {
    await Promise.all([jane.close(), joe.close()]);
    await Promise.all([socket.close(), http.close()]);
  });
  return { fleet, jane, joe };
}

/** A run with one handle, under way. */
async function janesRun(fleet: FakeFleet, jane: Client) {
  const { runs, task_id: taskId } = await jane.call('start_run', { pipeline: 'work', cwd: fleet.folder });
  const runId = runs[0]?.run_id ?? '';
  await fleet.until(runId, (run) => run.attempts.at(-1)?.remote_run_id !== undefined);
  const [worker] = fleet.workers;
  const { worker_id: _, attempt: __, ...handle } = handleOf();
  worker?.tell(worker.byKey(attemptKey(runId, 1)), { handles: [handle] });
  await fleet.until(runId, (run) => run.handles.length === 1);
  return { runId, taskId, handleId: handle.handle_id };
}

/** How a call is refused, with the id that it names taken out. */
async function refusal(call: Promise<unknown>, id: string): Promise<string> {
  const error: unknown = await call.then(
    () => new Error('It was answered.'),
    (reason: unknown) => reason,
  );
  const shown = error instanceof FleetError ? error.toBody() : { message: String(error) };
  return JSON.stringify(shown).replaceAll(id, 'ID');
}

const ask = (peer: Client, method: string, uri: string) => peer.request(method, anything, { uri });

/** Every way to name a run, a task or a handle. */
const ofRun: Record<string, (peer: Client, id: string, fleet: FakeFleet) => Promise<unknown>> = {
  poll_run: (peer, id) => peer.call('poll_run', { run_ids: [id] }),
  pause_run: (peer, id) => peer.call('pause_run', { run_id: id }),
  resume_run: (peer, id) => peer.call('resume_run', { run_id: id }),
  cancel_run: (peer, id) => peer.call('cancel_run', { run_ids: [id] }),
  'start_run after': (peer, id, fleet) =>
    peer.call('start_run', { pipeline: 'work', cwd: fleet.folder, after: [id] }),
  'resources/read': (peer, id) => ask(peer, 'resources/read', `fleet://runs/${id}`),
  'resources/subscribe': (peer, id) => ask(peer, 'resources/subscribe', `fleet://runs/${id}`),
};
const ofTask: Record<string, (peer: Client, id: string) => Promise<unknown>> = {
  poll_run: (peer, id) => peer.call('poll_run', { task_id: id }),
  cancel_run: (peer, id) => peer.call('cancel_run', { task_id: id }),
};
const ofHandle: Record<string, (peer: Client, id: string) => Promise<unknown>> = {
  ...Object.fromEntries(
    (['head', 'tail', 'lines', 'bytes', 'stats', 'outline', 'export'] as const).map((mode) => [
      mode,
      (peer: Client, id: string) => peer.call('read_handle', { handle_id: id, mode }),
    ]),
  ),
  grep: (peer, id) => peer.call('read_handle', { handle_id: id, mode: 'grep', pattern: 'x' }),
  diff: (peer, id) => peer.call('read_handle', { handle_id: id, mode: 'diff', other: id }),
  'resources/read': (peer, id) => ask(peer, 'resources/read', `fleet://handles/${id}`),
  'a part': (peer, id) => ask(peer, 'resources/read', `fleet://handles/${id}?line=2`),
  'resources/subscribe': (peer, id) => ask(peer, 'resources/subscribe', `fleet://handles/${id}`),
};

describe('another owner', () => {
  it('gets for what is not theirs, byte for byte, what anybody gets for what there is not', async () => {
    const { fleet, jane, joe } = await twoOwners();
    const own = await janesRun(fleet, jane);
    const unknown = { runId: newRun().run_id, taskId: 'no-such-task', handleId: handleOf().handle_id };
    const same = async (
      name: string,
      act: (peer: Client, id: string) => Promise<unknown>,
      key: keyof typeof own,
    ) => {
      const [other, none] = [own[key], unknown[key]];
      const told = await refusal(act(joe, other), other);
      expect({ name, told }).toEqual({ name, told: await refusal(act(joe, none), none) });
      expect(told).toMatch(/There is no|-32002/);
    };
    for (const [name, act] of Object.entries(ofRun))
      await same(name, (peer, id) => act(peer, id, fleet), 'runId');
    for (const [name, act] of Object.entries(ofTask)) await same(name, act, 'taskId');
    for (const [name, act] of Object.entries(ofHandle)) await same(name, act, 'handleId');
    // It was there all the time, and nobody has touched it.
    expect((await jane.call('poll_run', { run_ids: [own.runId] })).runs[0]?.status).toBe('running');
    expect(fleet.workers[0]?.cancelled).toEqual([]);
  }, 30_000);

  it('is told of none of it in lists, and has keys and tasks of the same names', async () => {
    const { fleet, jane, joe } = await twoOwners();
    const own = await janesRun(fleet, jane);
    const list = async (peer: Client) => JSON.stringify(await peer.request('resources/list', anything, {}));
    expect(await list(joe)).not.toContain('fleet://');
    expect(await list(jane)).toContain(`fleet://handles/${own.handleId}`);
    const input = { pipeline: 'work', cwd: fleet.folder, request_key: 'k', task_id: own.taskId };
    const [hers, his] = [await jane.call('start_run', input), await joe.call('start_run', input)];
    expect(hers.runs[0]?.run_id).not.toBe(his.runs[0]?.run_id);
    expect((await joe.call('poll_run', { task_id: own.taskId })).runs.map((run) => run.run_id)).toEqual([
      his.runs[0]?.run_id,
    ]);
  });

  it('has no MCP task of it either', async () => {
    const { fleet, jane } = await twoOwners();
    const { runId } = await janesRun(fleet, jane);
    const tasks = createTasks(fleet.parts, fleet.tools, 'joe');
    expect([await tasks.get(runId), await tasks.cancel(runId), await tasks.update(runId, {})]).toEqual([
      undefined,
      false,
      false,
    ]);
  });
});

describe('a handle past its time', () => {
  it('is as good as unknown, and its record has said so before', async () => {
    const { fleet, jane } = await twoOwners({ output: { keep_ms: 1_000 } });
    const { runId, handleId } = await janesRun(fleet, jane);
    const [worker] = fleet.workers;
    worker?.complete(worker.byKey(attemptKey(runId, 1)));
    const run = await fleet.ended(runId);
    const expiresAt = (run.ended_at ?? 0) + 1_000;
    const [told] = manifest.parse(buildManifest(run, 1_000, { mode: 'off' })).handles;
    expect(told?.expires_at).toBe(expiresAt);
    fleet.clock.nowMs = expiresAt;
    const unknown = handleOf().handle_id;
    for (const act of Object.values(ofHandle)) {
      expect(await refusal(act(jane, handleId), handleId)).toBe(await refusal(act(jane, unknown), unknown));
    }
  });
});
