import { describe, expect, test } from 'vitest';
import type { RunDetail } from '../../schemas/worker.ts';
import {
  detailWhere,
  openTestWorker,
  until,
  type TestWorker,
  type WorkerPeer,
} from './support/test-worker.ts';

const stallMs = 200;

async function start(peer: WorkerPeer, more: Record<string, unknown> = {}): Promise<string> {
  const { runs } = await peer.call('start_run', { pipeline: 'ask', prompt: 'p', cwd: '/tmp', ...more });
  return runs[0]?.run_id ?? '';
}

const isStalled = ({ liveness }: RunDetail): boolean => liveness?.stalled_at !== undefined;

function open(policy: string): Promise<TestWorker> {
  return openTestWorker({ config: { scheduling: { stall_ms: stallMs, on_stall: policy } } });
}

describe('a run that gives no sign of life', () => {
  test('is told to have stalled, until the next sign, and again', async () => {
    const worker = await open('report');
    const peer = await worker.connect();
    const run = await start(peer);
    const session = await worker.codex.session(1);
    const begun = performance.now();
    const first = await detailWhere(peer, run, isStalled);
    expect(performance.now() - begun).toBeLessThan(stallMs + 2_000);
    expect(first).toMatchObject({ status: 'running' });
    expect(first.liveness?.last_output_at).toBeUndefined();
    session.write('stdout', 'here I am\n');
    const awake = await detailWhere(peer, run, ({ liveness }) => liveness?.last_output_at !== undefined);
    expect(awake.liveness?.stalled_at).toBeUndefined();
    const again = await detailWhere(peer, run, isStalled);
    expect(again.liveness).toMatchObject({ last_output_at: awake.liveness?.last_output_at });
    session.finish({ kind: 'exit', code: 0 });
    expect(await until(peer, run, 'completed')).toMatchObject({ outcome: { kind: 'exit', code: 0 } });
  });

  test('by its own measure where it says one, and never where nobody does', async () => {
    const worker = await openTestWorker();
    const peer = await worker.connect();
    const quiet = await start(peer);
    const own = await start(peer, { stall_ms: 150 });
    await detailWhere(peer, own, isStalled);
    expect(isStalled(await detailWhere(peer, quiet, () => true))).toBe(false);
  });

  test('does not count as silent while it is paused, asks, or has ended', async () => {
    const worker = await open('cancel');
    const peer = await worker.connect();
    const halted = await start(peer, { pipeline: 'tell' });
    await worker.command.session(1);
    await peer.call('pause_run', { run_id: halted });
    const asking = await start(peer);
    const session = await worker.codex.session(1);
    session.context.report({ kind: 'question', question: { kind: 'command', text: 'make?' } });
    await until(peer, asking, 'input_required');
    await new Promise((resolve) => setTimeout(resolve, 2 * stallMs));
    for (const run of [halted, asking])
      expect(isStalled(await detailWhere(peer, run, () => true))).toBe(false);
  });

  test('is cancelled where the policy says so', async () => {
    const worker = await open('cancel');
    const peer = await worker.connect();
    const run = await start(peer);
    expect(await until(peer, run, 'cancelled')).toMatchObject({
      outcome: { kind: 'cancelled', reason: 'stalled' },
      error: `No sign of life for ${String(stallMs)} ms.`,
    });
  });

  test('is broken off where it is to be tried again: a conversation can go on, the rest ends as by a timeout', async () => {
    const worker = await open('retry');
    const peer = await worker.connect();
    const run = await start(peer);
    const session = await worker.codex.session(1);
    session.context.report({ kind: 'thread', thread_id: 'th-1' });
    expect(await until(peer, run, 'paused')).toMatchObject({ outcome: { kind: 'lost', resumable: true } });
    await peer.call('resume_run', { run_id: run });
    const second = await worker.codex.session(2);
    expect(second.context.resume).toMatchObject({ thread_id: 'th-1' });
    second.finish({ kind: 'exit', code: 0 });
    await until(peer, run, 'completed');
    const command = await start(peer, { pipeline: 'tell' });
    expect(await until(peer, command, 'failed')).toMatchObject({
      outcome: { kind: 'timeout', wall_ms: stallMs },
    });
  });
});
