import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { recordedProcesses, type RecordedProcess } from '../../cli/fleet/process-record.ts';
import { readStanding } from '../../cli/fleet/standing.ts';
import { stillRuns } from '../../platform/process-identity.ts';
import { version } from '../../platform/version.ts';
import { handOverMethod } from '../../schemas/hand-over.ts';
import { realFleet, type RealFleet } from '../coordinator/real-fleet.ts';
import { runProgram } from '../helpers/fleet.ts';
import { programOfVersion } from '../helpers/other-version.ts';
import { eventually } from '../helpers/processes.ts';
import { BridgeClient } from './bridge-client.ts';

async function newFleet(): Promise<RealFleet> {
  const real = await realFleet({ workers: { count: 2, slots: 1 } });
  onTestFinished(() => real.close());
  return real;
}

async function openBridge({ fleet }: RealFleet, program?: string): Promise<BridgeClient> {
  const { work: cwd, env, stateDir } = fleet;
  const client = new BridgeClient(stateDir, { cwd, env, ...(program !== undefined && { program }) });
  onTestFinished(() => client.end());
  await client.initialize();
  return client;
}

function standingVersion({ paths }: RealFleet): string | undefined {
  return readStanding(paths)?.version;
}

function workers({ paths }: RealFleet): RecordedProcess[] {
  return recordedProcesses(paths).filter(({ name, running }) => running && name !== 'coordinator');
}

function linesIn(file: string): number {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0;
}

async function statesOf(client: BridgeClient, id: number, taskId: string): Promise<unknown> {
  const reply = await client.call(id, 'poll_run', { task_id: taskId, until: 'all', wait_ms: 20_000 });
  const { runs } = reply;
  return Array.isArray(runs) ? runs.map(({ status, attempt, outcome }) => [status, attempt, outcome]) : reply;
}

describe('a bridge of a newer version', () => {
  it(
    'has its coordinator take over: what runs goes on, what waits is placed, all of it once',
    { timeout: 90_000 },
    async () => {
      const real = await newFleet();
      const older = await openBridge(real);
      const [counter, gate] = [join(real.fleet.work, 'count'), join(real.fleet.work, 'gate')];
      const runs = Array.from({ length: 3 }, () => ({ inputs: { counter, gate } }));
      const input = { pipeline: 'wait', cwd: real.fleet.work, task_id: 'over', runs };
      expect(await older.call(1, 'start_run', input)).toMatchObject({ task_id: 'over' });
      await eventually(() => linesIn(counter) === 2, 20_000);
      const before = real.processes();
      const oldWorkers = workers(real);

      const program = await programOfVersion('99.0.0');
      const newer = await openBridge(real, program);
      expect(await newer.call(1, 'list_workers')).toHaveProperty('workers');
      await eventually(() => standingVersion(real) === '99.0.0', 20_000);
      expect(before.filter(({ name }) => name === 'coordinator').filter(stillRuns)).toEqual([]);
      expect(oldWorkers.filter(stillRuns)).toEqual(oldWorkers);
      // The third waits no longer than for a worker of the new version.
      await eventually(() => linesIn(counter) === 3, 30_000);
      expect(oldWorkers.filter(stillRuns)).toEqual(oldWorkers);

      writeFileSync(gate, '');
      const ended = ['completed', 1, 'exit 0'];
      expect(await statesOf(newer, 2, 'over')).toEqual([ended, ended, ended]);
      expect(await statesOf(older, 2, 'over')).toEqual([ended, ended, ended]);
      expect(linesIn(counter)).toBe(3);
      await eventually(() => !oldWorkers.some(stillRuns), 20_000);
      await eventually(() => workers(real).length === 2, 20_000);
      const programs = workers(real).map(({ pid }) => readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8'));
      expect(programs.every((line) => line.split('\0').includes(program))).toBe(true);
      expect(standingVersion(real)).toBe('99.0.0');
    },
  );
});

describe('calls while the fleet changes hands', () => {
  it('wait for the next coordinator: none fails, none is lost', { timeout: 60_000 }, async () => {
    const real = await newFleet();
    const older = await openBridge(real);
    const input = { pipeline: 'echo', cwd: real.fleet.work, task_id: 'flood' };
    await older.call(0, 'start_run', input);
    await openBridge(real, await programOfVersion('99.0.0'));
    const replies: unknown[] = [];
    let id = 0;
    while (standingVersion(real) !== '99.0.0') replies.push(await older.call(++id, 'start_run', input));
    expect(replies.length).toBeGreaterThan(0);
    for (const reply of replies) expect(reply).toMatchObject({ task_id: 'flood', runs: [expect.anything()] });
    await eventually(() => workers(real).length === 2, 20_000);
    let ended: Record<string, unknown> = { cursor: '0' };
    while (ended['open'] !== 0) {
      const { cursor } = ended;
      ended = await older.call(++id, 'poll_run', { task_id: 'flood', cursor, until: 'all', wait_ms: 20_000 });
    }
  });
});

describe('a bridge of an older version', () => {
  it('uses the newer coordinator it finds', { timeout: 60_000 }, async () => {
    const real = await newFleet();
    await real.up();
    const before = real.processes();
    const older = await openBridge(real, await programOfVersion('0.0.1'));
    const input = { pipeline: 'echo', cwd: real.fleet.work, task_id: 'old' };
    expect(await older.call(1, 'start_run', input)).toMatchObject({ task_id: 'old' });
    expect(await statesOf(older, 2, 'old')).toEqual([['completed', 1, 'exit 0']]);
    expect(standingVersion(real)).toBe(version);
    expect(before.filter(stillRuns)).toEqual(before);
  });

  it(
    'starts no coordinator beside a newer one, nor would that make way for it',
    { timeout: 60_000 },
    async () => {
      const real = await newFleet();
      const peer = await real.up();
      const { work, env, stateDir } = real.fleet;
      const older = await programOfVersion('0.0.1');
      const begun = performance.now();
      expect((await runProgram(process.execPath, [older, 'coordinator'], work, env)).code).not.toBe(0);
      expect(performance.now() - begun).toBeLessThan(20_000);
      expect(existsSync(join(stateDir, 'taking-over'))).toBe(false);
      await peer.notify(handOverMethod, { version: '0.0.1' });
      await peer.notify(handOverMethod, { version });
      await peer.notify(handOverMethod, { soon: true });
      expect(await peer.call('list_workers', {})).toHaveProperty('workers');
      expect(standingVersion(real)).toBe(version);
    },
  );
});

describe('`up`', () => {
  it('of a newer version takes over, of an older one does not', { timeout: 60_000 }, async () => {
    const real = await newFleet();
    await real.up();
    const { work, env } = real.fleet;
    const up = async (program: string): Promise<string> => {
      const { code, stdout, stderr } = await runProgram(
        process.execPath,
        [program, 'up', '--json'],
        work,
        env,
      );
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout).version;
    };
    expect(await up(await programOfVersion('0.0.1'))).toBe(version);
    expect(standingVersion(real)).toBe(version);
    expect(await up(await programOfVersion('99.0.0'))).toBe('99.0.0');
    expect(standingVersion(real)).toBe('99.0.0');
  });

  it(
    'of the version that was taken over from cannot start it again meanwhile',
    { timeout: 60_000 },
    async () => {
      const real = await newFleet();
      const claim = { pid: process.pid, start: '', version: '99.0.0', protocol: 1 };
      const stat = readFileSync('/proc/self/stat', 'utf8');
      claim.start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
      writeFileSync(join(real.fleet.stateDir, 'taking-over'), JSON.stringify(claim));
      const { code, stderr } = await real.fleet.cli('coordinator');
      expect(code).not.toBe(0);
      expect(stderr).toContain('99.0.0');
      expect(real.processes()).toEqual([]);
      // A claim whose process has ended says nothing.
      writeFileSync(join(real.fleet.stateDir, 'taking-over'), JSON.stringify({ ...claim, start: '1' }));
      await real.up();
    },
  );
});
