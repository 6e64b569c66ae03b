import { describe, expect, test } from 'vitest';
import {
  nextAfterCancel,
  nextAfterPause,
  nextAfterPoll,
  nextAfterStart,
  nextToFollow,
  type Polled,
} from '../../core/next.ts';
import type { RunSnapshot } from '../../schemas/run.ts';

const run = 'run_V1StGXR8Z5jdHi6BmyT01';
const stdout = { handle_id: 'hdl_V1StGXR8Z5jdHi6BmyT01', stream: 'stdout' as const, bytes: 1, lines: 1 };
const stderr = { ...stdout, handle_id: 'hdl_V1StGXR8Z5jdHi6BmyT02', stream: 'stderr' as const };

function polled(run: Partial<RunSnapshot>[], rest: Partial<Polled> = {}): string {
  const runs = run.map((one, at) => ({
    run_id: `run_${String(at).padStart(21, '0')}`,
    status: 'completed' as const,
    ...one,
  }));
  return nextAfterPoll({ selection: { task_id: 't' }, runs, cursor: '7', more: false, open: 0, ...rest });
}

describe('the next call', () => {
  test('after a start, a pause, a resume', () => {
    expect(nextAfterStart('t', '41')).toBe('poll_run {"task_id":"t","cursor":"41","wait_ms":25000}');
    expect(nextAfterPause(run)).toBe(`resume_run {"run_id":"${run}"}`);
    expect(nextToFollow(run)).toBe(`poll_run {"run_ids":["${run}"],"wait_ms":25000}`);
  });

  test('after a poll that left some out: at once the rest', () => {
    expect(polled([{}], { more: true, open: 3 })).toBe('poll_run {"task_id":"t","cursor":"7"}');
  });

  test('after a poll with runs still open: wait', () => {
    expect(polled([{ status: 'running' }], { open: 1 })).toBe(
      'poll_run {"task_id":"t","cursor":"7","wait_ms":25000}',
    );
    expect(polled([], { open: 1, selection: { run_ids: [run] } })).toBe(
      `poll_run {"run_ids":["${run}"],"cursor":"7","wait_ms":25000}`,
    );
  });

  test('many run ids are not repeated', () => {
    const next = polled([], { open: 9, selection: { run_ids: Array.from({ length: 9 }, () => run) } });
    expect(next).toBe('poll_run {"cursor":"7","wait_ms":25000} with the same run_ids');
  });

  test('a question comes first', () => {
    expect(polled([{}, { status: 'input_required' }], { open: 4 })).toMatch(
      /^resume_run .*"answer":"accept"} or "decline"$/,
    );
  });

  test('a paused run is resumed only where nothing else goes on', () => {
    expect(polled([{ status: 'paused' }], { open: 1 })).toMatch(/^resume_run/);
    expect(polled([{ status: 'paused' }], { open: 2 })).toMatch(/^poll_run/);
  });

  test('at the end: why it failed, else what came out, else nothing', () => {
    expect(polled([{ handles: [stdout] }, { status: 'failed', handles: [stdout, stderr] }])).toBe(
      `read_handle {"handle_id":"${stderr.handle_id}","mode":"tail"}`,
    );
    expect(polled([{ handles: [stderr, stdout] }])).toBe(`read_handle {"handle_id":"${stdout.handle_id}"}`);
    expect(polled([{}])).toBe('Nothing is left to wait for.');
  });

  test('after a cancel', () => {
    expect(nextAfterCancel([{ run_id: run, status: 'cancelled' }])).toBe(
      'Handles stay readable by read_handle.',
    );
    expect(nextAfterCancel([{ run_id: run, status: 'running' }])).toBe(nextToFollow(run));
  });
});
