import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../mcp/client.ts';
import { identify, stillRuns } from '../../platform/process-identity.ts';
import { config as configSchema } from '../../schemas/config.ts';
import { credentialsMethod } from '../../schemas/credentials.ts';
import { fleetContracts } from '../../schemas/tools.ts';
import { eventually } from '../helpers/processes.ts';
import { pollToEnd, realFleet, type RealFleet } from './real-fleet.ts';

async function newFleet(config: Record<string, unknown> = {}): Promise<RealFleet> {
  const real = await realFleet(config);
  onTestFinished(() => real.close());
  return real;
}

function coordinatorOf(real: RealFleet): number {
  return real.processes().find(({ name }) => name === 'coordinator')?.pid ?? 0;
}

describe('a coordinator that is told to end', () => {
  it(
    'keeps what waits, sees its workers end, and is followed on the same port with the same secret',
    { timeout: 60_000 },
    async () => {
      const real = await newFleet({ workers: { count: 2, slots: 1 } });
      const peer = await real.up();
      const gate = join(real.fleet.work, 'gate');
      const counter = join(real.fleet.work, 'count');
      const runs = Array.from({ length: 4 }, () => ({ inputs: { counter, gate } }));
      const place = { cwd: real.fleet.work, shared_workspace: true };
      await peer.call('start_run', { pipeline: 'change', task_id: 'keep', runs, ...place });
      await eventually(
        () => existsSync(counter) && readFileSync(counter, 'utf8').split('\n').length === 3,
        15_000,
      );
      const [port, secret] = [await real.fleet.url(), await real.fleet.secret()];
      expect(secret.length).toBeGreaterThanOrEqual(43);
      expect(statSync(real.paths.secretFile).mode & 0o777).toBe(0o600);
      expect(statSync(real.paths.coordinatorSocket).mode & 0o777).toBe(0o600);
      const before = real.processes();
      process.kill(coordinatorOf(real), 'SIGTERM');
      await eventually(() => !before.some(stillRuns), 5_000);
      expect(() => statSync(real.paths.coordinatorSocket)).toThrow();

      writeFileSync(gate, '');
      const again = await real.up();
      const ended = await pollToEnd(again, 'keep');
      expect(ended.map((run) => run.status).toSorted()).toEqual([
        'completed',
        'completed',
        'failed',
        'failed',
      ]);
      await expect.poll(() => real.fleet.url().catch(() => '')).toBe(port);
      expect(await real.fleet.secret()).toBe(secret);
      const http = await connect(fleetContracts, { url: port, secret });
      expect(await http.call('poll_run', { task_id: 'keep' })).toMatchObject({ open: 0 });
      await http.close();
      await expect(connect(fleetContracts, { url: port, secret: 'x'.repeat(43) })).rejects.toMatchObject({
        code: 'UNAUTHORIZED',
      });
    },
  );

  it(
    'ends by itself after a while without clients and runs, and its workers with it',
    { timeout: 60_000 },
    async () => {
      const real = await newFleet({ idle: { coordinator_ms: 1_500 } });
      const peer = await real.up();
      const before = real.processes();
      expect(before).toHaveLength(3);
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      expect(before.filter(stillRuns)).toHaveLength(3);
      await peer.close();
      await eventually(() => !before.some(stillRuns), 10_000);
    },
  );
});

describe('processes nobody uses', () => {
  it('end after ten minutes and half an hour, where nothing else is configured', () => {
    expect(configSchema.parse({}).idle).toEqual({ worker_ms: 600_000, coordinator_ms: 1_800_000 });
  });

  it('stay as long as a run is under way, with no client at all', { timeout: 60_000 }, async () => {
    const real = await newFleet({ idle: { coordinator_ms: 500 } });
    const peer = await real.up();
    const [counter, gate] = [join(real.fleet.work, 'count'), join(real.fleet.work, 'gate')];
    const input = { pipeline: 'wait', cwd: real.fleet.work, task_id: 'alone', inputs: { counter, gate } };
    await peer.call('start_run', input);
    await eventually(() => existsSync(counter), 15_000);
    const before = real.processes();
    await peer.close();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(before.filter(stillRuns)).toHaveLength(3);
    writeFileSync(gate, '');
    await eventually(() => !before.some(stillRuns), 10_000);
    expect(await pollToEnd(await real.up(), 'alone')).toMatchObject([{ status: 'completed', attempt: 1 }]);
  });
});

describe('credentials', () => {
  it('reach no file of the state folder and no environment', { timeout: 60_000 }, async () => {
    const real = await newFleet();
    const peer = await real.up();
    const value = 'very-secret-value-4711';
    await peer.notify(credentialsMethod, { values: { SOME_KEY: value } });
    await peer.call('start_run', { pipeline: 'echo', cwd: real.fleet.work, task_id: 'c' });
    await pollToEnd(peer, 'c');
    for (const { pid } of real.processes()) {
      expect(identify(pid)).toBeDefined();
      expect(await readFile(`/proc/${String(pid)}/environ`, 'latin1')).not.toContain(value);
    }
    const { code, stdout } = await grep(value, real.fleet.stateDir);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});

async function grep(text: string, folder: string): Promise<{ code: number | null; stdout: string }> {
  const { runProgram } = await import('../helpers/fleet.ts');
  return runProgram('/bin/grep', ['-rl', text, folder], folder, {});
}
