import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { connect, type Peer } from '../../../mcp/client.ts';
import { fleetPaths, type FleetPaths } from '../../../platform/paths.ts';
import { fleetContracts, type FleetContracts } from '../../../schemas/tools.ts';
import { createFleet, type TestFleet } from '../../helpers/fleet.ts';
import { eventually } from '../../helpers/processes.ts';
import { remoteWorker, type RemoteWorker } from '../../helpers/remote-worker.ts';
import { pollToEnd } from '../real-fleet.ts';

const script = join(
  dirname(fileURLToPath(import.meta.url)),
  '..',
  '..',
  'fixtures',
  'bin',
  'print-lines.mjs',
);
const lines = 20_000;

interface Place {
  fleet: TestFleet;
  paths: FleetPaths;
  far: RemoteWorker;
  peer: Peer<FleetContracts>;
}

/** A fleet whose only worker is elsewhere. */
async function place(
  settings: Record<string, unknown> = {},
  farEnv: Record<string, string> = {},
): Promise<Place> {
  const remote = await remoteWorker('far');
  const argv = [process.execPath, script, String(lines), '${inputs.name}', '0'];
  const fleet = await createFleet({
    workers: { count: 0 },
    remote_workers: { far: { ...remote.entry, ...settings } },
    commands: [{ argv: [process.execPath, '...'] }],
    pipelines: {
      print: {
        read_only: true,
        inputs: { name: { type: 'string', required: true } },
        stages: [{ name: 'print', engine: 'command', argv }],
      },
    },
  });
  onTestFinished(() => fleet.close());
  const far = remote.on(fleet);
  onTestFinished(() => far.kill());
  await far.start(farEnv);
  const peer = await up(fleet);
  return { fleet, paths: fleetPaths(fleet.env), far, peer };
}

async function up(fleet: TestFleet): Promise<Peer<FleetContracts>> {
  const { code, stderr } = await fleet.cli('up');
  if (code !== 0) throw new Error(stderr);
  const peer = await connect(fleetContracts, { socket: fleetPaths(fleet.env).coordinatorSocket });
  onTestFinished(() => peer.close());
  return peer;
}

/** Runs that print; the stdout handle of each. */
async function print(
  { peer, fleet }: Place,
  names: readonly string[],
): Promise<{ id: string; run: string }[]> {
  const runs = names.map((name) => ({ inputs: { name } }));
  await peer.call('start_run', { pipeline: 'print', cwd: fleet.work, task_id: 'print', runs });
  const ended = await pollToEnd(peer, 'print');
  return ended.flatMap(({ run_id: run, handles = [] }) =>
    handles.filter(({ stream }) => stream === 'stdout').map(({ handle_id: id }) => ({ id, run })),
  );
}

const copied = (paths: FleetPaths, id: string): boolean => existsSync(join(paths.replicaDir, id));

it('answers every kind of read from its copies once a worker elsewhere is gone for good', async () => {
  const at = await place();
  const { peer, paths, far, fleet } = at;
  const [first, second] = await print(at, ['one', 'two']);
  if (first === undefined || second === undefined) throw new Error('no output');
  await eventually(() => copied(paths, first.id) && copied(paths, second.id), 10_000);
  const asks = [
    { handle_id: first.id },
    { handle_id: first.id, mode: 'bytes' as const, from: 1_000, count: 100 },
    { handle_id: first.id, mode: 'lines' as const, from: 15_000, count: 20 },
    { handle_id: first.id, mode: 'tail' as const, count: 5 },
    { handle_id: first.id, pattern: 'ERROR', count: 5, context: 1 },
    { handle_id: first.id, pattern: 'ERROR (one|two) broke', pick: 'count' as const },
    { handle_id: first.id, mode: 'json' as const, pattern: '/level=error' },
    { handle_id: first.id, mode: 'stats' as const },
    { handle_id: first.id, mode: 'outline' as const },
    { handle_id: first.id, other: second.id, mode: 'diff' as const },
  ];
  const before = await Promise.all(asks.map((ask) => peer.call('read_handle', ask)));
  await far.kill();
  rmSync(far.stateDir, { recursive: true, force: true });
  for (const [n, ask] of asks.entries()) {
    expect(await peer.call('read_handle', ask), JSON.stringify(ask)).toEqual(before[n]);
  }
  const exported = await peer.call('read_handle', { handle_id: first.id, mode: 'export' });
  const file = join(fleet.work, '.runs', 'print', 'delegated', first.run, `${first.id}.stdout.txt`);
  expect(exported).toMatchObject({ path: file, sha256: before[0]?.sha256 });
  expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(exported.sha256);
  await expect(peer.call('read_handle', { handle_id: 'hdl_V1StGXR8Z5jdHi6BmyT99' })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
}, 60_000);

it('copies lazily what somebody read, and says what to do about the rest', async () => {
  const at = await place({ replicate: 'lazy' });
  const { peer, paths, far } = at;
  const [read, unread] = await print(at, ['one', 'two']);
  if (read === undefined || unread === undefined) throw new Error('no output');
  expect(existsSync(paths.replicaDir)).toBe(false);
  const before = await peer.call('read_handle', { handle_id: read.id, mode: 'tail', count: 3 });
  await eventually(() => copied(paths, read.id), 10_000);
  await far.kill();
  expect(await peer.call('read_handle', { handle_id: read.id, mode: 'tail', count: 3 })).toEqual(before);
  await expect(peer.call('read_handle', { handle_id: unread.id })).rejects.toMatchObject({
    code: 'WORKER_UNAVAILABLE',
    message: expect.stringContaining('was not read'),
    next: expect.stringContaining('on_finish'),
  });
}, 60_000);

it('never copies where that is wanted, and reads again once the worker is back', async () => {
  const at = await place({ replicate: 'never' });
  const { peer, paths, far } = at;
  const [one] = await print(at, ['one']);
  if (one === undefined) throw new Error('no output');
  const before = await peer.call('read_handle', { handle_id: one.id, mode: 'tail', count: 3 });
  await far.kill();
  await expect(peer.call('read_handle', { handle_id: one.id })).rejects.toMatchObject({
    code: 'WORKER_UNAVAILABLE',
    message: expect.stringContaining('"replicate": "never"'),
  });
  expect(existsSync(paths.replicaDir)).toBe(false);
  await far.start();
  await expect
    .poll(() => peer.call('read_handle', { handle_id: one.id, mode: 'tail', count: 3 }), { timeout: 20_000 })
    .toEqual(before);
}, 60_000);

it('fetches a content once, however many handles it is of', async () => {
  const at = await place();
  const { paths } = at;
  const handles = await print(at, ['same', 'same', 'same']);
  await eventually(() => handles.every(({ id }) => copied(paths, id)), 10_000);
  const inodes = handles.map(({ id }) => statSync(join(paths.replicaDir, id)).ino);
  expect(new Set(inodes).size).toBe(1);
  const names = readdirSync(paths.replicaDir).toSorted();
  expect(names).toEqual(handles.flatMap(({ id }) => [id, `${id}.json`]).toSorted());
}, 60_000);
