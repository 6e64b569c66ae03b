import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../mcp/client.ts';
import { operatorRequests } from '../../schemas/operator.ts';
import { fleetContracts } from '../../schemas/tools.ts';
import { pollToEnd, realFleet, type RealFleet } from '../coordinator/real-fleet.ts';
import { eventually } from '../helpers/processes.ts';

let real: RealFleet;
beforeEach(async () => {
  real = await realFleet();
});
afterEach(async () => {
  await real.close();
});

function linesOf(file: string): number {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0;
}

const pids = (): Record<string, number> =>
  Object.fromEntries(real.processes().map(({ name, pid }) => [name, pid]));

describe('codex-fleet restart', () => {
  it('restarts every worker while runs come and go, and loses none', { timeout: 60_000 }, async () => {
    const peer = await real.up();
    const counter = join(real.fleet.work, 'count');
    const gate = join(real.fleet.work, 'gate');
    const before = pids();
    const start = (count: number) =>
      peer.call('start_run', {
        pipeline: 'wait',
        cwd: real.fleet.work,
        task_id: 'work',
        runs: Array.from({ length: count }, () => ({ inputs: { counter, gate } })),
      });
    await start(4);
    await eventually(() => linesOf(counter) === 4, 15_000);
    const restarting = real.fleet.cli('restart', '--json');
    await expect
      .poll(async () => (await peer.call('list_workers', {})).workers.map(({ state }) => state), {
        timeout: 10_000,
      })
      .toContain('draining');
    await start(4);
    writeFileSync(gate, '');
    const { code, stdout } = await restarting;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      workers: [
        { worker_id: 'local-1', restarted: true },
        { worker_id: 'local-2', restarted: true },
      ],
    });
    const ended = await pollToEnd(peer, 'work');
    expect(ended.map(({ status, attempt }) => [status, attempt])).toEqual(
      Array.from({ length: 8 }, () => ['completed', 1]),
    );
    expect(linesOf(counter)).toBe(8);
    const after = pids();
    expect(after['coordinator']).toBe(before['coordinator']);
    for (const worker of ['local-1', 'local-2']) expect(after[worker]).not.toBe(before[worker]);
    expect((await peer.call('list_workers', {})).workers.map(({ state }) => state)).toEqual(['up', 'up']);
  });

  it('gives up where a command does not end, and leaves all as it was', { timeout: 60_000 }, async () => {
    const peer = await real.up();
    const counter = join(real.fleet.work, 'count');
    const gate = join(real.fleet.work, 'gate');
    const before = pids();
    const started = await peer.call('start_run', {
      pipeline: 'wait',
      cwd: real.fleet.work,
      task_id: 'long',
      inputs: { counter, gate },
    });
    await eventually(() => linesOf(counter) === 1, 15_000);
    const [run] = (await peer.call('poll_run', { run_ids: [started.runs[0]?.run_id ?? ''] })).runs;
    const worker = run?.worker ?? '';
    const { code, stdout } = await real.fleet.cli(
      'restart',
      worker,
      '--interrupt-after',
      '0',
      '--timeout',
      '0',
    );
    expect([code, stdout]).toEqual([1, `${worker} finishes 1 run.\n${worker} has not been restarted.\n`]);
    expect(pids()).toEqual(before);
    expect((await peer.call('list_workers', {})).workers.map(({ state }) => state)).toEqual(['up', 'up']);
    writeFileSync(gate, '');
    expect(await pollToEnd(peer, 'long')).toMatchObject([{ status: 'completed', attempt: 1 }]);
  });
});

describe('codex-fleet drain and undrain', () => {
  it(
    'hold over a restart of the coordinator, and --wait returns once nothing runs there',
    { timeout: 60_000 },
    async () => {
      const peer = await real.up();
      const gate = join(real.fleet.work, 'gate');
      const counter = join(real.fleet.work, 'count');
      const { runs } = await peer.call('start_run', {
        pipeline: 'wait',
        cwd: real.fleet.work,
        task_id: 'last',
        inputs: { counter, gate },
      });
      await eventually(() => linesOf(counter) === 1, 15_000);
      const [run] = (await peer.call('poll_run', { run_ids: [runs[0]?.run_id ?? ''] })).runs;
      const worker = run?.worker ?? '';
      expect((await real.fleet.cli('drain', worker)).stdout).toBe(
        `${worker} takes nothing new; it finishes 1 run.\n`,
      );
      process.kill(pids()['coordinator'] ?? 0, 'SIGKILL');
      expect((await real.fleet.cli('up')).code).toBe(0);
      const waiting = real.fleet.cli('drain', worker, '--wait');
      writeFileSync(gate, '');
      expect((await waiting).stdout).toBe(`${worker} is drained: nothing runs there.\n`);
      expect((await real.fleet.cli('status')).stdout).toMatch(new RegExp(`${worker} +draining`));
      expect((await real.fleet.cli('undrain', worker)).stdout).toBe(`${worker} takes runs again.\n`);
      expect((await real.fleet.cli('status')).stdout).not.toContain('draining');
      expect((await real.fleet.cli('drain', 'nobody')).stderr).toContain('Name one of local-1, local-2');
    },
  );

  it(
    'are for the owner of the socket: not among the tools, and not served over a URL',
    { timeout: 60_000 },
    async () => {
      await real.up();
      const [url, secret] = [await real.fleet.url(), await real.fleet.secret()];
      const overUrl = await connect(fleetContracts, { url, secret });
      const method = 'codex-fleet/drain_worker';
      const asked = overUrl.request(method, operatorRequests[method], {
        worker_id: 'local-1',
        drained: true,
      });
      await expect(asked).rejects.toMatchObject({ message: expect.stringContaining('refused our') });
      await overUrl.close();
      expect((await real.fleet.cli('status')).stdout).not.toContain('draining');
    },
  );
});
