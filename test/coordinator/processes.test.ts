import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCoordinator } from '../../coordinator/main.ts';
import type { Peer } from '../../mcp/client.ts';
import { createLogger } from '../../platform/log.ts';
import { config as configSchema } from '../../schemas/config.ts';
import { manifest, taskManifest } from '../../schemas/manifest.ts';
import { maxReplyBytes, type FleetContracts } from '../../schemas/tools.ts';
import { keptManifest } from '../helpers/manifests.ts';
import { eventually } from '../helpers/processes.ts';
import { pollToEnd, realFleet, type RealFleet } from './real-fleet.ts';

let real: RealFleet;

beforeEach(async () => {
  real = await realFleet();
});

afterEach(async () => {
  await real.close();
});

function countOf(file: string): number {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0;
}

/** A run that has begun and does not end before its gate is opened. */
async function startWaiting(
  peer: Peer<FleetContracts>,
  taskId: string,
  more: { max_attempts?: number } = {},
): Promise<{ runId: string; counter: string; open(): void }> {
  const counter = join(real.fleet.work, `${taskId}-count`);
  const gate = join(real.fleet.work, `${taskId}-gate`);
  const started = await peer.call('start_run', {
    pipeline: 'wait',
    inputs: { counter, gate },
    cwd: real.fleet.work,
    task_id: taskId,
    ...more,
  });
  const runId = started.runs[0]?.run_id ?? '';
  await eventually(() => countOf(counter) === 1, 15_000).catch(async (error: unknown) => {
    const now = await peer.call('poll_run', { run_ids: [runId] });
    throw new Error(JSON.stringify(now.runs), { cause: error });
  });
  return { runId, counter, open: () => writeFileSync(gate, '') };
}

describe('a batch through two real workers', () => {
  it(
    'is answered within 8 KiB, polled to its end and read; manifests are linked both ways',
    { timeout: 60_000 },
    async () => {
      const peer = await real.up();
      const runs = Array.from({ length: 64 }, (_, at) => ({
        inputs: { text: `line ${String(at)}` },
        label: `l${String(at)}`,
      }));
      const started = await peer.call('start_run', {
        pipeline: 'echo',
        cwd: real.fleet.work,
        task_id: 'batch',
        runs,
      });
      expect(Buffer.byteLength(JSON.stringify(started))).toBeLessThanOrEqual(maxReplyBytes);
      expect(new Set(started.runs.map((run) => run.run_id)).size).toBe(64);

      const ended = await pollToEnd(peer, 'batch');
      expect(ended).toHaveLength(64);
      for (const run of ended) {
        expect(run, JSON.stringify(run)).toMatchObject({ status: 'completed', outcome: 'exit 0' });
        const page = await peer.call('read_handle', { handle_id: run.handles?.[0]?.handle_id ?? '' });
        expect(page).toMatchObject({
          run_id: run.run_id,
          text: `line ${(run.label ?? '').slice(1)}\n`,
          sealed: true,
        });
      }
      const folder = join(real.fleet.work, '.runs', 'batch');
      await eventually(() => existsSync(join(folder, 'manifest.json')), 10_000);
      await expect
        .poll(
          async () => {
            const index = taskManifest.parse(
              JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')),
            );
            return index.runs.filter((run) => run.status === 'completed').length;
          },
          { timeout: 10_000 },
        )
        .toBe(64);
      const index = taskManifest.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
      for (const entry of index.runs) {
        const file = join(folder, entry.manifest);
        const text = await readFile(file, 'utf8');
        const written = manifest.parse(JSON.parse(text));
        expect(written.run_id).toBe(entry.run_id);
        expect(written.attempts[0]).toMatchObject({
          remote_run_id: expect.stringMatching(/^run_/),
          reaping: expect.stringMatching(/^(pid_namespace|cgroup|best_effort)$/),
          outcome: { kind: 'exit', code: 0 },
        });
        expect(written.attempts[0]?.placement.why).not.toBe('');
        expect(written.handles.map((handle) => handle.handle_id)).toEqual(entry.handles);
        expect(written.handles[0]).toMatchObject({ worker_id: entry.worker_id, state: 'sealed', lines: 1 });
        expect(join(file, '..', written.task_manifest)).toBe(join(folder, 'manifest.json'));
        // What replies told of the run goes on after its export.
        expect({ ...keptManifest(real.paths, entry.run_id), told: written.told }).toEqual(written);
      }
      expect(await readFile(join(real.fleet.work, '.runs', '.gitignore'), 'utf8')).toBe('*\n');
    },
  );

  it('what it may not run fails with the words of the worker', async () => {
    const peer = await real.up();
    await peer.call('start_run', { pipeline: 'forbidden', cwd: real.fleet.work, task_id: 'no' });
    const [run] = await pollToEnd(peer, 'no');
    expect(run).toMatchObject({ status: 'failed', outcome: 'engine COMMAND_NOT_ALLOWED' });
    expect(run?.error).toContain('"commands"');
  });
});

describe('a coordinator that is killed', () => {
  it(
    'is followed by one that finds the run again, which was executed once',
    { timeout: 60_000 },
    async () => {
      const run = await startWaiting(await real.up(), 'kept');
      const before = real.processes();
      process.kill(before.find(({ name }) => name === 'coordinator')?.pid ?? 0, 'SIGKILL');
      const peer = await real.up();
      run.open();
      const [ended] = await pollToEnd(peer, 'kept');
      expect(ended).toMatchObject({ run_id: run.runId, status: 'completed', attempt: 1 });
      expect(countOf(run.counter)).toBe(1);
      const workers = (all: typeof before): (string | number)[][] =>
        all.filter(({ name }) => name !== 'coordinator').map(({ name, pid }) => [name, pid]);
      expect(workers(real.processes())).toEqual(workers(before));
    },
  );

  it(
    'leaves runs in the queue that the next one starts, and manifests it writes',
    { timeout: 60_000 },
    async () => {
      const peer = await real.up();
      const run = await startWaiting(peer, 'first');
      const { counter } = run;
      const gate = join(real.fleet.work, 'first-gate');
      const more = Array.from({ length: 5 }, () => ({ inputs: { counter: `${counter}-more`, gate } }));
      const started = await peer.call('start_run', {
        pipeline: 'wait',
        cwd: real.fleet.work,
        task_id: 'rest',
        runs: more,
      });
      expect(started.runs.map((one) => one.position)).toEqual([undefined, undefined, undefined, 1, 2]);
      process.kill(real.processes().find(({ name }) => name === 'coordinator')?.pid ?? 0, 'SIGKILL');
      const again = await real.up();
      run.open();
      expect((await pollToEnd(again, 'rest')).map((one) => one.status)).toEqual(Array(5).fill('completed'));
      expect(countOf(`${counter}-more`)).toBe(5);
      const folder = join(real.fleet.work, '.runs', 'rest', 'delegated');
      const written = started.runs.map((one) => join(folder, one.run_id, 'manifest.json'));
      await eventually(() => written.every((file) => existsSync(file)), 10_000);
    },
  );
});

describe('a worker that is killed', () => {
  it(
    'costs the run it had, which may be tried once; it comes back, what it stored is readable, and work goes on',
    { timeout: 60_000 },
    async () => {
      const peer = await real.up();
      const run = await startWaiting(peer, 'lost', { max_attempts: 1 });
      let name = '';
      await expect
        .poll(async () => {
          const [now] = (await peer.call('poll_run', { run_ids: [run.runId] })).runs;
          name = now?.worker ?? '';
          return now?.handles?.length;
        })
        .toBe(1);
      process.kill(real.processes().find((one) => one.name === name)?.pid ?? 0, 'SIGKILL');
      const [ended] = await pollToEnd(peer, 'lost');
      expect(ended).toMatchObject({ status: 'failed', outcome: 'lost', worker: name });
      const stdout = ended?.handles?.find((handle) => handle.stream === 'stdout')?.handle_id ?? '';
      const page = await peer.call('read_handle', { handle_id: stdout });
      expect(page).toMatchObject({ text: 'begun\n', truncated: true });
      expect(countOf(run.counter)).toBe(1);
      await peer.call('start_run', {
        pipeline: 'echo',
        cwd: real.fleet.work,
        task_id: 'after',
        runs: Array.from({ length: 8 }, () => ({})),
      });
      const after = await pollToEnd(peer, 'after');
      expect(after.map((one) => one.status)).toEqual(Array(8).fill('completed'));
      await expect
        .poll(async () =>
          (await peer.call('list_workers', {})).workers.map(({ state, busy }) => [state, busy]),
        )
        .toEqual([
          ['up', 0],
          ['up', 0],
        ]);
    },
  );
});

describe('cancel_run', () => {
  it('ends what runs and what waits, and says so again', { timeout: 60_000 }, async () => {
    const peer = await real.up();
    const run = await startWaiting(peer, 'stop');
    const gate = join(real.fleet.work, 'never');
    const more = Array.from({ length: 6 }, () => ({ inputs: { counter: `${run.counter}-more`, gate } }));
    await peer.call('start_run', { pipeline: 'wait', cwd: real.fleet.work, task_id: 'stop', runs: more });
    const cancelled = await peer.call('cancel_run', { task_id: 'stop' });
    expect(cancelled.runs).toHaveLength(7);
    expect((await pollToEnd(peer, 'stop')).map((one) => one.status)).toEqual(Array(7).fill('cancelled'));
    expect(await peer.call('cancel_run', { task_id: 'stop' })).toMatchObject({ runs: [] });
    expect(await peer.call('cancel_run', { run_ids: [run.runId] })).toMatchObject({
      runs: [{ run_id: run.runId, status: 'cancelled' }],
    });
  });
});

describe('pause_run and resume_run', () => {
  it('hold a run that waits, and halt one that runs', { timeout: 60_000 }, async () => {
    const peer = await real.up();
    const run = await startWaiting(peer, 'rest');
    expect(await peer.call('pause_run', { run_id: run.runId })).toMatchObject({
      status: 'paused',
      how: 'stopped',
    });
    run.open();
    const still = await peer.call('poll_run', { run_ids: [run.runId], wait_ms: 300, until: 'any' });
    expect(still.runs.at(-1)?.status).toBe('paused');
    expect(await peer.call('resume_run', { run_id: run.runId })).toMatchObject({ status: 'running' });
    expect(await pollToEnd(peer, 'rest')).toMatchObject([{ status: 'completed' }]);
    await expect(peer.call('pause_run', { run_id: run.runId })).rejects.toMatchObject({
      code: 'WRONG_STATE',
    });
  });
});

describe('request_key', () => {
  it('starts one run however often it comes; another spec is a conflict', { timeout: 60_000 }, async () => {
    const peer = await real.up();
    const input = { pipeline: 'echo', cwd: real.fleet.work, task_id: 'keys', request_key: 'once' };
    const replies = await Promise.all(Array.from({ length: 20 }, () => peer.call('start_run', input)));
    expect(new Set(replies.map((reply) => reply.runs[0]?.run_id)).size).toBe(1);
    expect(await pollToEnd(peer, 'keys')).toHaveLength(1);
    await expect(peer.call('start_run', { ...input, inputs: { text: 'other' } })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    const byCall = { pipeline: 'echo', cwd: real.fleet.work };
    const [first, second] = [
      await peer.call('start_run', byCall, { callId: 'call-1' }),
      await peer.call('start_run', byCall, { callId: 'call-1' }),
    ];
    expect(second.runs[0]?.run_id).toBe(first.runs[0]?.run_id);
    expect(second.task_id).toBe(first.task_id);
  });
});

describe('one state folder', () => {
  it('has one coordinator', { timeout: 60_000 }, async () => {
    await real.up();
    const options = { paths: real.paths, config: configSchema.parse({}), env: real.fleet.env };
    const log = createLogger({ name: 'second', level: 'silent' });
    await expect(startCoordinator({ ...options, log })).rejects.toMatchObject({ code: 'CONFLICT' });
    const { code } = await real.fleet.cli('coordinator');
    expect(code).not.toBe(0);
    expect(real.processes().filter(({ name }) => name === 'coordinator')).toHaveLength(1);
  });
});
