import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { recordsFile } from '../../servers/worker/runs/record-journal.ts';
import { eventually, newMarker, processesWith, ticksOf } from '../helpers/processes.ts';
import { detailsOf, detailWhere, recordOf, until, type WorkerPeer } from './support/test-worker.ts';
import { connectStdio, newPlace } from './support/worker-process.ts';

const longest = 60_000;

/** A child, one in a session of its own, and one nobody is the parent of. */
function family(marker: string): string {
  return `setsid -f sleep ${marker}; (setsid sleep ${marker} &) ; echo ready; sleep ${marker}`;
}

async function startFamily(peer: WorkerPeer, cwd: string): Promise<{ run: string; marker: string }> {
  const marker = newMarker();
  const { runs } = await peer.call('start_run', {
    pipeline: 'shell',
    inputs: { script: family(marker) },
    cwd,
    task_id: 't',
  });
  const run = runs[0]?.run_id ?? '';
  await eventually(() => processesWith(marker).length >= 4, 15_000);
  return { run, marker };
}

describe('a worker process', { timeout: longest }, () => {
  test('serves runs over its socket from start to end', async () => {
    const place = newPlace();
    place.start('cli', 'socket');
    const peer = await place.connect();
    const start = {
      pipeline: 'shell',
      inputs: { script: 'echo one; echo two >&2; exit 3' },
      cwd: place.cwd,
      task_id: 't',
    };
    const { cursor } = await peer.call('start_run', start);
    const { runs } = await peer.call('poll_run', { task_id: 't', cursor, wait_ms: 20_000, until: 'all' });
    expect(runs).toMatchObject([
      { status: 'failed', outcome: 'exit 3', handles: [{ bytes: 4 }, { bytes: 4 }] },
    ]);
    const stdout = runs[0]?.handles?.find((handle) => handle.stream === 'stdout');
    const page = await peer.call('read_handle', { handle_id: stdout?.handle_id ?? '' });
    expect(page).toMatchObject({ text: 'one\n', sealed: true, truncated: false });
  });

  test('halts a command so that it uses no processor, and lets it go on', async () => {
    const place = newPlace();
    place.start('cli', 'socket');
    const peer = await place.connect();
    const marker = newMarker();
    const script = `trap 'exit 7' TERM; : ${marker}; while :; do :; done`;
    const { runs } = await peer.call('start_run', { pipeline: 'shell', inputs: { script }, cwd: place.cwd });
    const run_id = runs[0]?.run_id ?? '';
    await eventually(() => ticksOf(marker) > 2, 15_000);
    expect(await peer.call('pause_run', { run_id })).toMatchObject({ status: 'paused', how: 'stopped' });
    const halted = ticksOf(marker);
    await delay(500);
    expect(ticksOf(marker) - halted).toBeLessThanOrEqual(1);
    await peer.call('resume_run', { run_id });
    await eventually(() => ticksOf(marker) > halted + 2, 15_000);
    await peer.call('pause_run', { run_id });
    const began = performance.now();
    expect((await peer.call('cancel_run', { run_ids: [run_id] })).runs[0]?.status).toBe('cancelled');
    expect(performance.now() - began).toBeLessThan(4_000);
    expect(processesWith(marker)).toEqual([]);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends it, its runs and all they started',
    async (signal) => {
      const place = newPlace();
      const worker = place.start('cli', 'socket');
      const { run, marker } = await startFamily(await place.connect(), place.cwd);
      const began = performance.now();
      worker.child.kill(signal);
      expect(await worker.ended).toBe(0);
      await eventually(() => processesWith(marker).length === 0, 5_000);
      expect(performance.now() - began).toBeLessThan(5_000);
      const { detail } = recordOf(place.dir, run);
      expect(detail).toMatchObject({ status: 'failed', outcome: { kind: 'lost', resumable: false } });
      expect(detail.handles).toMatchObject([{ state: 'sealed', bytes: 6 }]);
      expect(existsSync(place.socket)).toBe(false);
    },
  );

  test('the end of its stdin ends it, its runs and all they started', async () => {
    const place = newPlace();
    const worker = place.start('cli', 'stdio');
    const peer = await connectStdio(worker);
    const { run, marker } = await startFamily(peer, place.cwd);
    const began = performance.now();
    worker.child.stdin?.end();
    expect(await worker.ended).toBe(0);
    await eventually(() => processesWith(marker).length === 0, 5_000);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(recordOf(place.dir, run).detail.status).toBe('failed');
  });

  test('killed, it leaves nothing running, and the next one knows what became of its runs', async () => {
    const place = newPlace();
    const first = place.start('scripted', 'socket');
    const peer = await place.connect();
    const { run, marker } = await startFamily(peer, place.cwd);
    const asked = await peer.call('start_run', {
      pipeline: 'ask',
      prompt: 'p',
      cwd: place.cwd,
      task_id: 't',
    });
    const codexRun = asked.runs[0]?.run_id ?? '';
    await detailWhere(peer, codexRun, ({ engine_thread_id }) => engine_thread_id !== undefined);
    first.child.kill('SIGKILL');
    await first.ended;
    place.start('scripted', 'socket');
    const again = await place.connect();
    await eventually(() => processesWith(marker).length === 0, 5_000);
    const details = await detailsOf(again);
    expect(details).toMatchObject([
      { run_id: run, status: 'failed', outcome: { kind: 'lost', resumable: false } },
      {
        run_id: codexRun,
        status: 'paused',
        outcome: { kind: 'lost', resumable: true },
        engine_thread_id: `thread of ${codexRun}`,
      },
    ]);
    expect(details.flatMap((detail) => detail.handles)).toMatchObject([
      { state: 'sealed', truncated: true, bytes: 6 },
      { state: 'sealed', truncated: true, bytes: 6 },
    ]);
    await again.call('resume_run', { run_id: codexRun });
    const end = await until(again, codexRun, 'completed');
    expect(end.handles).toHaveLength(2);
    const page = await again.call('read_handle', { handle_id: end.handles[1]?.handle_id ?? '' });
    expect(page.text).toBe(`went on with thread of ${codexRun}\n`);
  });

  test('told to end, it keeps a conversation for the next one', async () => {
    const place = newPlace();
    const first = place.start('scripted', 'socket');
    const peer = await place.connect();
    const asked = await peer.call('start_run', {
      pipeline: 'ask',
      prompt: 'p',
      cwd: place.cwd,
      task_id: 't',
    });
    const run_id = asked.runs[0]?.run_id ?? '';
    await until(peer, run_id, 'running');
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(recordOf(place.dir, run_id)).toMatchObject({ how: 'put_away', detail: { status: 'paused' } });
    place.start('scripted', 'socket');
    const again = await place.connect();
    await again.call('resume_run', { run_id });
    await until(again, run_id, 'completed');
  });

  test('a second one of the same id ends at once and harms nothing', async () => {
    const place = newPlace();
    place.start('cli', 'socket');
    const peer = await place.connect();
    const { pid } = await peer.call('describe_worker', {});
    const second = place.start('cli', 'socket');
    expect(await second.ended).not.toBe(0);
    const third = place.start('cli', 'stdio');
    expect(await third.ended).not.toBe(0);
    expect((await peer.call('describe_worker', {})).pid).toBe(pid);
    expect((await (await place.connect()).call('describe_worker', {})).pid).toBe(pid);
  });

  test('that nobody is connected to finishes what it runs and then ends by itself', async () => {
    const place = newPlace({ idle: { worker_ms: 400 } });
    const worker = place.start('cli', 'socket');
    const peer = await place.connect();
    const { runs } = await peer.call('start_run', {
      pipeline: 'shell',
      inputs: { script: 'sleep 1; echo done' },
      cwd: place.cwd,
    });
    await peer.close();
    const left = performance.now();
    expect(await worker.ended).toBe(0);
    expect(performance.now() - left).toBeGreaterThan(1_200);
    expect(recordOf(place.dir, runs[0]?.run_id ?? '').detail).toMatchObject({
      status: 'completed',
      outcome: { kind: 'exit', code: 0 },
    });
  });

  test('killed at any moment, it never leaves half a record', async () => {
    const place = newPlace();
    const seen = new Set<string>();
    for (const afterMs of [15, 60, 140]) {
      const worker = place.start('scripted', 'socket');
      const peer = await place.connect();
      const once = async (): Promise<void> => {
        const { runs } = await peer.call('start_run', { pipeline: 'ask', prompt: 'p', cwd: place.cwd });
        await peer.call('pause_run', { run_id: runs[0]?.run_id ?? '' });
      };
      await once();
      const busy = Array.from({ length: 8 }, async () => {
        for (;;) await once();
      });
      const over = Promise.allSettled(busy);
      await delay(afterMs);
      worker.child.kill('SIGKILL');
      await Promise.all([worker.ended, over]);
      for (const line of readFileSync(recordsFile(place.dir), 'utf8').split('\n').slice(0, -1)) {
        const { run } = z.object({ run: z.string() }).parse(JSON.parse(line));
        expect(recordOf(place.dir, run).detail.run_id).toBe(run);
        seen.add(run);
      }
    }
    expect(seen.size).toBeGreaterThan(3);
  });
});
