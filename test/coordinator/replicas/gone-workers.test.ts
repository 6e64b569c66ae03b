import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { connect, type Peer } from '../../../mcp/client.ts';
import { fleetPaths, type FleetPaths } from '../../../platform/paths.ts';
import { fleetContracts, type FleetContracts } from '../../../schemas/tools.ts';
import { createFleet, type TestFleet } from '../../helpers/fleet.ts';
import { eventually } from '../../helpers/processes.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
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
/** Enough to be interrupted while it is copied. */
const manyLines = 1_000_000;
/** Prints a line whenever a file of that number is there, until one is called `end`. */
const growing = `
const { existsSync } = require('fs');
let line = 0;
const look = setInterval(() => {
  if (existsSync('end')) clearInterval(look);
  if (existsSync(String(line + 1))) console.log('line', ++line);
}, 5);`;

interface Place {
  fleet: TestFleet;
  paths: FleetPaths;
  far: RemoteWorker;
  peer: Peer<FleetContracts>;
}

/** A fleet whose only worker is elsewhere. */
async function place(
  settings: Record<string, unknown> = {},
  env: Record<string, string> = {},
): Promise<Place> {
  const remote = await remoteWorker('far');
  const argv = [process.execPath, script, '${inputs.lines}', '${inputs.name}', '0'];
  const fleet = await createFleet(
    {
      workers: { count: 0 },
      remote_workers: { far: { ...remote.entry, ...settings } },
      commands: [{ argv: [process.execPath, '...'], trust_arguments: true }],
      pipelines: {
        print: {
          read_only: true,
          inputs: {
            name: { type: 'string', required: true },
            lines: { type: 'string', default: String(lines) },
          },
          stages: [{ name: 'print', engine: 'command', argv }],
        },
        grow: {
          read_only: true,
          stages: [{ name: 'grow', engine: 'command', argv: [process.execPath, '-e', growing] }],
        },
      },
    },
    env,
  );
  onTestFinished(() => fleet.close());
  const far = remote.on(fleet);
  onTestFinished(() => far.kill());
  await far.start();
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
  count = lines,
): Promise<{ id: string; run: string }[]> {
  const runs = names.map((name) => ({ inputs: { name, lines: String(count) } }));
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

it('goes on with a copy after the worker was killed within it, and after the coordinator was', async () => {
  const failpoints = scratchFolder();
  const at = await place({}, { CODEX_FLEET_FAILPOINTS: failpoints });
  const { fleet, paths, far } = at;
  const [one] = await print(at, ['one'], manyLines);
  if (one === undefined) throw new Error('no output');
  const part = join(paths.replicaDir, `${one.id}.part`);
  const size = (): number => statSync(part, { throwIfNoEntry: false })?.size ?? 0;
  await eventually(() => size() > 0, 10_000);
  await far.kill();
  expect(copied(paths, one.id)).toBe(false);
  const kept = size();
  expect(kept).toBeGreaterThan(0);
  writeFileSync(join(failpoints, 'replica.bytes.after'), '3');
  await far.start();
  await eventually(() => existsSync(join(failpoints, 'replica.bytes.after.fired')), 20_000);
  expect(size()).toBeGreaterThan(kept);
  const peer = await up(fleet);
  await eventually(() => copied(paths, one.id), 30_000);
  await far.kill();
  const last = await peer.call('read_handle', { handle_id: one.id, mode: 'tail', count: 1 });
  expect(last).toMatchObject({ text: `line ${String(manyLines)} of all\n`, from_line: manyLines });
  const whole = readFileSync(join(paths.replicaDir, one.id));
  expect(createHash('sha256').update(whole).digest('hex')).toBe(last.sha256);
}, 90_000);

it('follows a handle that grows on a worker elsewhere', async () => {
  const { peer, fleet } = await place();
  const say = (name: string): void => writeFileSync(join(fleet.work, name), '');
  say('1');
  await peer.call('start_run', { pipeline: 'grow', cwd: fleet.work, task_id: 'grow' });
  let handle: string | undefined;
  for (let cursor = '0'; handle === undefined;) {
    const reply = await peer.call('poll_run', { task_id: 'grow', cursor, wait_ms: 5_000, until: 'change' });
    handle = reply.runs.flatMap(({ handles = [] }) => handles)[0]?.handle_id;
    cursor = reply.cursor;
  }
  const id = handle;
  const seen = await peer.call('read_handle', { handle_id: id, mode: 'tail', wait_ms: 5_000 });
  expect(seen).toMatchObject({ text: 'line 1\n', sealed: false });
  const follow = (from: number) =>
    peer.call('read_handle', { handle_id: id, mode: 'bytes', from, wait_ms: 20_000 });
  const coming = follow(seen.to_byte);
  const found = peer.call('read_handle', { handle_id: id, pattern: 'line 2', wait_ms: 20_000 });
  say('2');
  const next = await coming;
  expect(next.text).toBe('line 2\n');
  expect((await found).hits).toBe(1);
  const last = follow(next.to_byte);
  say('end');
  expect(await last).toMatchObject({ text: '', sealed: true });
}, 60_000);
