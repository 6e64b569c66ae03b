import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordedProcesses, type RecordedProcess } from '../../cli/fleet/process-record.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { identify, stillRuns } from '../../platform/process-identity.ts';
import { createFleet, type TestFleet } from '../helpers/fleet.ts';
import { BridgeClient, program } from './bridge-client.ts';

let fleet: TestFleet;
const clients: BridgeClient[] = [];

function recorded(): RecordedProcess[] {
  return recordedProcesses(fleetPaths(fleet.env)).filter(({ running }) => running);
}

/** Workers come up a little after the coordinator answers. */
async function everyProcessUp(): Promise<void> {
  const names = (): string[] => recorded().map(({ name }) => name);
  await expect.poll(names, { timeout: 15_000 }).toEqual(['coordinator', 'local-1', 'local-2']);
}

function open(): BridgeClient {
  const client = new BridgeClient(fleet.stateDir, { cwd: fleet.work, env: fleet.env });
  clients.push(client);
  return client;
}

function kill(target: RecordedProcess | undefined): void {
  if (target === undefined) throw new Error('There is no such process.');
  process.kill(target.pid, 'SIGKILL');
}

function parse(text: string): Record<string, unknown> {
  return JSON.parse(text);
}

beforeEach(async () => {
  fleet = await createFleet({
    workers: { count: 2, slots: 2 },
    runs_dir: 'off',
    commands: [{ argv: ['sleep', '300'] }],
    pipelines: { sleep: { stages: [{ name: 'sleep', engine: 'command', argv: ['sleep', '300'] }] } },
  });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
  await fleet.close();
});

describe('up, status, down', () => {
  it('starts one fleet, shows how to mount it, and leaves nothing within 5 s', async () => {
    const up = await fleet.cli('up');
    expect(up).toMatchObject({ code: 0, stderr: '' });
    expect(up.stdout).toContain('[mcp_servers.fleet]');
    expect(up.stdout).toContain('default_tools_approval_mode = "approve"');
    expect(up.stdout).toContain('claude --allowedTools mcp__fleet');
    expect(up.stdout).toContain(await fleet.url());
    expect(up.stdout).not.toContain(await fleet.secret());

    const [again, status] = [await fleet.cli('up', '--json'), await fleet.cli('status', '--json')];
    expect(again.code).toBe(0);
    expect(parse(status.stdout)).toMatchObject({ up: true, queued: 0, state_dir: fleet.stateDir });
    await everyProcessUp();
    const processes = recorded();

    const startedAt = performance.now();
    expect((await fleet.cli('down')).code).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(processes.filter(stillRuns)).toEqual([]);
    expect((await fleet.cli('status')).code).toBe(1);
  });

  it('down ends workers whose coordinator was killed', async () => {
    await fleet.cli('up');
    await everyProcessUp();
    const processes = recorded();
    kill(processes[0]);
    expect((await fleet.cli('down')).stdout).toContain('The fleet is down; 2 processes ended.');
    expect(processes.filter(stillRuns)).toEqual([]);
  });

  it('down works on a full disk, and says so where it has to write', async () => {
    await fleet.cli('up');
    await everyProcessUp();
    await symlink('/dev/full', join(fleet.stateDir, 'down'));
    const refused = await fleet.cli('down', '--cancel');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^codex-fleet: No space is left on the disk .*\nFree disk space/);
    expect(recorded()).not.toEqual([]);
    expect((await fleet.cli('down')).stdout).toContain('The fleet is down; 3 processes ended.');
    expect(recorded()).toEqual([]);
    await rm(join(fleet.stateDir, 'down'));
  });

  it('down leaves a process alone that has the recorded pid and another start time', async () => {
    await fleet.cli('up');
    await fleet.cli('down');
    const self = identify(process.pid);
    await writeFile(join(fleet.stateDir, 'process.json'), JSON.stringify({ pid: self?.pid, start: '1' }));
    expect((await fleet.cli('down')).stdout).toBe('The fleet was not up.\n');
  });
});

describe('run, poll, read, cancel', () => {
  it('follows a run to its end, and its output can be read, up or down', async () => {
    const run = await fleet.cli(
      'run',
      '--pipeline',
      'diagnostics',
      '--stages',
      'languages,scripts',
      '--each',
      '--task',
      't1',
      '--json',
    );
    expect(run.code, run.stderr).toBe(0);
    const { runs } = JSON.parse(run.stdout);
    expect(runs).toHaveLength(2);
    expect(runs[0]).toMatchObject({ status: 'completed', outcome: 'exit 0', label: 'languages' });
    expect(run.stderr).toMatch(/languages · completed · on local-\d · exit 0/);

    const poll = await fleet.cli('poll', 't1');
    expect(poll.stdout).toContain('0 not ended');
    const handle: string = runs[0].handles[0].handle_id;
    const whileUp = await fleet.cli('read', handle, '--all');
    const search = ['read', handle, '--grep', '[a-z]', '--pick', 'last', '--count', '1', '--context', '1'];
    const foundUp = await fleet.cli(...search);
    const exported = await fleet.cli('read', handle, '--export');
    expect(exported.stderr).toContain('"runs_dir": "off"');
    await fleet.cli('down');
    const whileDown = await fleet.cli('read', handle, '--all');
    expect(whileUp).toMatchObject({ code: 0 });
    expect(foundUp.stdout).toMatch(/^\d+: .*[a-z]/m);
    expect(foundUp.stderr).toContain('[1 found; ');
    expect(await fleet.cli(...search)).toEqual(foundUp);
    for (const mode of ['--stats', '--outline', '--records']) {
      expect(await fleet.cli('read', handle, mode), mode).toMatchObject({ code: 0 });
    }
    expect(Buffer.byteLength(whileUp.stdout)).toBe(runs[0].handles[0].bytes);
    expect(whileDown).toEqual(whileUp);
    expect(recorded()).toEqual([]);
  });

  it('a failed run is exit code 1', async () => {
    const ended = await fleet.cli('run', '--pipeline', 'nothing-like-it');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('nothing-like-it');
  });
});

it('cancel --group ends the runs of one call', async () => {
  const client = open();
  await client.initialize();
  const args = { pipeline: 'sleep', cwd: fleet.work, task_id: 'naps', runs: [{}, {}] };
  const reply = await client.request(1, 'tools/call', { name: 'start_run', arguments: args });
  const { group } = z
    .object({ structuredContent: z.object({ group: z.string() }) })
    .parse(reply['result']).structuredContent;
  expect((await fleet.cli('cancel', '--group', group)).stdout).toMatch(/^run_\S+ · .+\nrun_\S+ · .+\n$/);
  const { stdout } = await fleet.cli('poll', 'naps', '--until', 'all', '--wait', '10', '--json');
  expect(parse(stdout)).toMatchObject({ open: 0, runs: [{ status: 'cancelled' }, { status: 'cancelled' }] });
  expect((await fleet.cli('cancel', '--group', 'grp-none')).code).toBe(0);
});

describe('Ctrl-C', () => {
  it('while a run is followed cancels it: exit code 130', async () => {
    const child = spawn(process.execPath, [program, 'run', '--pipeline', 'sleep', '--task', 'nap'], {
      cwd: fleet.work,
      env: fleet.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = once(child, 'exit');
    for await (const line of createInterface({ input: child.stderr })) {
      if (line.includes('· running ·')) child.kill('SIGINT');
    }
    expect(await exited).toEqual([130, null]);
    const { stdout } = await fleet.cli('poll', 'nap', '--until', 'all', '--wait', '10', '--json');
    expect(parse(stdout)).toMatchObject({ open: 0, runs: [{ status: 'cancelled' }] });
  });
});

describe('a fleet whose database is damaged', () => {
  it('tells everybody so who wants to start it, and where the log is', async () => {
    await writeFile(
      join(fleet.stateDir, 'fleet.db'),
      'no database, but long enough to be taken for one '.repeat(99),
    );
    const up = await fleet.cli('up');
    expect(up).toMatchObject({ code: 1, stdout: '' });
    expect(up.stderr).toContain('fleet.db is damaged or no database at all.\nRestore it from a backup');

    const client = open();
    await client.initialize();
    const answer = JSON.stringify(await client.call(1, 'list_workers'));
    expect(answer).toContain('is damaged or no database at all.');
    expect(answer).toContain('Restore it from a backup');

    await expect.poll(recorded, { timeout: 5_000 }).toEqual([]);
    const log = join(fleet.stateDir, 'log', 'coordinator.log');
    expect((await fleet.cli('status')).stdout).toContain(`Log: ${log}\n`);
    expect(await readFile(log, 'utf8')).not.toContain('"level":50');
  });
});

describe('many bridges at once', () => {
  it('start one coordinator, and each gets its answer', async () => {
    const all = Array.from({ length: 20 }, open);
    await Promise.all(all.map((client) => client.initialize()));
    const lists = await Promise.all(all.map((client) => client.request(1, 'tools/list')));
    for (const list of lists) expect(list['result']).toHaveProperty('tools');
    expect(recorded().filter(({ name }) => name === 'coordinator')).toHaveLength(1);
    const log = await readFile(join(fleet.stateDir, 'log', 'coordinator.log'), 'utf8').catch(() => '');
    expect(log).not.toContain('"level":50');
  });

  it('do not notice that the coordinator was killed between two calls', async () => {
    const client = open();
    await client.initialize();
    await client.request(1, 'tools/list');
    const before = recorded().find(({ name }) => name === 'coordinator');
    kill(before);
    const workers = await client.request(2, 'tools/call', { name: 'list_workers', arguments: {} });
    expect(JSON.stringify(workers['result'])).toContain('local-1');
    const after = recorded().find(({ name }) => name === 'coordinator');
    expect(after?.pid).not.toBe(before?.pid);
  });

  it('do not start again what was taken down, until a new call', async () => {
    const client = open();
    await client.initialize();
    await client.request(1, 'tools/list');
    await fleet.cli('down');
    expect(recorded()).toEqual([]);
    await client.request(2, 'tools/list');
    expect(recorded().some(({ name }) => name === 'coordinator')).toBe(true);
  });
});
