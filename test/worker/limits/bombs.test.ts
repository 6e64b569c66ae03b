import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { manifest } from '../../../schemas/manifest.ts';
import { cgroupTables, findControllers } from '../../../servers/worker/limits/controllers.ts';
import { eventually } from '../../helpers/processes.ts';
import type { Input } from '../../../mcp/handlers.ts';
import type { Peer } from '../../../mcp/client.ts';
import type { RunRequest } from '../../../schemas/run.ts';
import type { FleetContracts } from '../../../schemas/tools.ts';
import { pollToEnd, realFleet, type RealFleet } from '../../coordinator/real-fleet.ts';

const bomb = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'fixtures', 'bin', 'bomb.mjs');

/** In the arguments of all that must not be left behind. */
const mark = String(600_000 + process.pid);

/** Orphans in sessions of their own, one without any environment. */
const orphans = `(setsid /bin/sleep ${mark} &); (env -i /usr/bin/setsid /bin/sleep ${mark} &)`;

const scripts = {
  fork: `${orphans}; n=0; while [ $n -lt 200 ]; do /bin/sleep ${mark} & n=$((n + 1)); done; wait`,
  cpu: `${orphans}; spin() { i=0; while [ $i -lt 9000000 ]; do i=$((i + 1)); done; }; spin & spin & spin`,
  files_in_all: `${orphans}; i=0; while [ $i -lt 40 ]; do head -c 4194304 /dev/zero > f$i; sleep 0.05; i=$((i + 1)); done; /bin/sleep ${mark}`,
  one_file: `${orphans}; head -c 67108864 /dev/zero > large`,
  tmpfs: `${orphans}; head -c 134217728 /dev/zero > /tmp/large; /bin/sleep ${mark}`,
  three: 'sleep 0.2 & sleep 0.2 & wait',
  output: `${orphans}; yes`,
  wall: `${orphans}; /bin/sleep ${mark}`,
};

function pipelineOf(script: string, limits: Record<string, number>, more = {}): Record<string, unknown> {
  return { ...more, limits, stages: [{ name: 'go', engine: 'command', argv: ['/bin/sh', '-c', script] }] };
}

const mebibyte = 1024 * 1024;
const pipelines = {
  memory: {
    limits: { memory_bytes: 96 * mebibyte },
    stages: [{ name: 'go', engine: 'command', argv: [process.execPath, bomb, 'memory'] }],
  },
  files: {
    limits: { open_files: 64 },
    stages: [{ name: 'go', engine: 'command', argv: [process.execPath, bomb, 'files'] }],
  },
  tmpfs: pipelineOf(scripts.tmpfs, { memory_bytes: 32 * mebibyte }, { sandbox: 'default' }),
  fork: pipelineOf(scripts.fork, { processes: 16 }),
  cpu: pipelineOf(scripts.cpu, { cpu_ms: 600 }),
  files_in_all: pipelineOf(scripts.files_in_all, { disk_bytes: 16 * mebibyte }),
  one_file: pipelineOf(scripts.one_file, { disk_bytes: 16 * mebibyte }),
  output: pipelineOf(scripts.output, {}),
  wall: pipelineOf(scripts.wall, { processes: 16 }),
  // As many as it may have, and not one of ours among them.
  three: pipelineOf(scripts.three, { processes: 3 }),
  three_strict: pipelineOf(scripts.three, { processes: 3 }, { sandbox: 'strict' }),
  echo: { read_only: true, stages: [{ name: 'go', engine: 'command', argv: ['/bin/echo', 'hello'] }] },
};

let real: RealFleet;
let peer: Peer<FleetContracts> | undefined;

beforeAll(async () => {
  real = await realFleet({
    workers: { count: 1, slots: 10 },
    commands: [
      { argv: ['/bin/sh', '...'], trust_arguments: true },
      { argv: [process.execPath, '...'], trust_arguments: true },
      { argv: ['/bin/echo', '...'] },
    ],
    pipelines,
    limits: { allow_degraded: ['disk'] },
  });
});
afterAll(() => real.close());

async function explode(task_id: string, runs: RunRequest[], more: Partial<Parameters<typeof start>[0]> = {}) {
  const { runs: begun } = await start({ task_id, runs, ...more });
  const ended = await pollToEnd(await connected(), task_id);
  return { begun, ended, told: Object.fromEntries(ended.map(({ label, outcome }) => [label, outcome])) };
}

async function connected(): Promise<Peer<FleetContracts>> {
  peer ??= await real.up();
  return peer;
}

async function start(asked: Input<FleetContracts['start_run']>) {
  const shared = { cwd: real.fleet.work, workspace: 'none', shared_workspace: true } as const;
  return (await connected()).call('start_run', { ...shared, ...asked });
}

function leftBehind(): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(mark);
    } catch {
      return false;
    }
  }).length;
}

/** Folders a process has made for the cgroups of its runs. */
function cgroupsOf(pid: number): string[] {
  const parents = [...findControllers(cgroupTables()).values()].map(({ parent }) => parent);
  const named = `codex-fleet-${String(pid)}-`;
  return [...new Set(parents)].flatMap((parent) =>
    readdirSync(parent).filter((name) => name.startsWith(named)),
  );
}

it('ends each by its limit, and nothing else', { timeout: 60_000 }, async () => {
  const kinds = ['memory', 'tmpfs', 'fork', 'cpu', 'files_in_all', 'one_file', 'files', 'echo'];
  const { told, ended } = await explode(
    'bombs',
    kinds.map((pipeline) => ({ pipeline, label: pipeline })),
  );
  expect(told).toEqual({
    memory: 'limit memory',
    tmpfs: 'limit memory',
    fork: 'limit processes',
    cpu: 'limit cpu',
    files_in_all: 'limit disk',
    one_file: 'limit disk',
    files: 'limit files',
    echo: 'exit 0',
  });
  expect(leftBehind()).toBe(0);
  const many = ended.find(({ label }) => label === 'files_in_all');
  expect(many).toMatchObject({ status: 'failed', error: 'It has reached its limit: disk_bytes 16777216.' });
  const shown = await real.fleet.cli('manifest', many?.run_id ?? '');
  expect(manifest.parse(JSON.parse(shown.stdout)).attempts[0]).toMatchObject({
    outcome: { kind: 'limit', which: 'disk' },
    degraded: ['disk'],
    notes: [expect.stringContaining('Limits: disk degraded')],
  });
});

it('holds a run to what it asks for itself, where that is less', { timeout: 60_000 }, async () => {
  const runs = ['fork', 'output', 'wall', 'three', 'three_strict'].map((pipeline) => ({
    pipeline,
    label: pipeline,
  }));
  const { told, ended } = await explode('own', runs, {
    limits: { processes: 10, memory_bytes: 64 * mebibyte },
    output_bytes: 65_536,
    wall_ms: 1_500,
  });
  expect(told).toEqual({
    fork: 'limit processes',
    output: 'limit output',
    wall: 'timeout',
    three: 'exit 0',
    three_strict: 'exit 0',
  });
  expect(ended.find(({ label }) => label === 'fork')?.error).toContain('processes 10');
  expect(leftBehind()).toBe(0);
});

it('leaves nothing of a worker that is killed, nor its cgroups', { timeout: 60_000 }, async () => {
  const runs = Array.from({ length: 10 }, () => ({ pipeline: 'wall' }));
  await start({ task_id: 'killed', runs });
  await eventually(() => leftBehind() >= 30, 20_000);
  const worker = real.processes().find(({ name }) => name !== 'coordinator')?.pid ?? 0;
  expect(cgroupsOf(worker).length).toBeGreaterThan(0);
  process.kill(worker, 'SIGKILL');
  await eventually(() => leftBehind() === 0, 10_000);
  // By the next boot of the worker.
  await eventually(() => cgroupsOf(worker).length === 0, 20_000);
});
