import { describe, expect, test } from 'vitest';
import { buildSnapshot, describeOutcome, type SnapshotSource } from '../../core/snapshot.ts';
import type { HandleRecord } from '../../schemas/handle.ts';
import { runSnapshot, type Outcome } from '../../schemas/run.ts';

const bare: SnapshotSource = {
  run_id: 'run_V1StGXR8Z5jdHi6BmyT01',
  status: 'pending',
  label: undefined,
  worker: undefined,
  attempt: undefined,
  accepted_at: 1000,
  started_at: undefined,
  first_output_at: undefined,
  ended_at: undefined,
  outcome: undefined,
  error: undefined,
  waiting_for: undefined,
  not_before: undefined,
  liveness: undefined,
  question: undefined,
  decisions: [],
  usage: undefined,
  handles: [],
  preview: undefined,
};

function handle(stage: string): HandleRecord {
  return {
    handle_id: 'hdl_V1StGXR8Z5jdHi6BmyT01',
    stream: 'stdout',
    stage,
    media_type: 'text/plain',
    state: 'sealed',
    bytes: 3,
    lines: 1,
    sha256: 'abc',
    truncated: false,
    created_at: 1,
  };
}

test.each<[Outcome, string]>([
  [{ kind: 'exit', code: 3 }, 'exit 3'],
  [{ kind: 'signal', signal: 'SIGKILL' }, 'signal SIGKILL'],
  [{ kind: 'timeout', wall_ms: 100 }, 'timeout'],
  [{ kind: 'cancelled' }, 'cancelled'],
  [{ kind: 'limit', which: 'output' }, 'limit output'],
  [{ kind: 'spawn', errno: 'ENOENT' }, 'spawn ENOENT'],
  [{ kind: 'engine', code: 'usageLimitExceeded', message: 'x' }, 'engine usageLimitExceeded'],
  [{ kind: 'lost', resumable: true }, 'lost'],
])('%j is told as "%s"', (outcome, text) => {
  expect(describeOutcome(outcome)).toBe(text);
});

describe('buildSnapshot', () => {
  test('has no field of what is not known yet', () => {
    expect(buildSnapshot(bare, 700)).toEqual({ run_id: bare.run_id, status: 'pending' });
  });

  test('says how much of the output was stored already, where some was', () => {
    const handles = [
      handle('one'),
      { ...handle('one'), reused_bytes: 3 },
      { ...handle('two'), reused_bytes: 4 },
    ];
    expect(buildSnapshot({ ...bare, handles }, 700).reused_bytes).toBe(7);
    expect(buildSnapshot({ ...bare, handles: [handle('one')] }, 700)).not.toHaveProperty('reused_bytes');
  });

  test('counts from acceptance to start, to first output and to the end', () => {
    const run = {
      ...bare,
      status: 'failed' as const,
      started_at: 1200,
      first_output_at: 1250,
      ended_at: 3200,
    };
    const snapshot = buildSnapshot(
      { ...run, outcome: { kind: 'exit', code: 1 }, label: 'x', worker: 'w', attempt: 2 },
      700,
    );
    expect(runSnapshot.parse(snapshot)).toMatchObject({
      queued_ms: 200,
      ttfu_ms: 50,
      duration_ms: 2000,
      outcome: 'exit 1',
      label: 'x',
      worker: 'w',
      attempt: 2,
    });
  });

  test('a clock set back makes no negative time', () => {
    const snapshot = buildSnapshot({ ...bare, status: 'completed', started_at: 900, ended_at: 800 }, 700);
    expect(snapshot).toMatchObject({ queued_ms: 0, duration_ms: 0 });
  });

  test('names the stage of a handle where there is more than one', () => {
    expect(buildSnapshot({ ...bare, handles: [handle('a')] }, 700).handles?.[0]).not.toHaveProperty('stage');
    expect(buildSnapshot({ ...bare, handles: [handle('a'), handle('b')] }, 700).handles?.[1]?.stage).toBe(
      'b',
    );
  });

  test('names the attempt of a handle where several put some out', () => {
    const [one, two] = [
      { ...handle('a'), attempt: 1 },
      { ...handle('a'), attempt: 2 },
    ];
    expect(buildSnapshot({ ...bare, handles: [one] }, 700).handles?.[0]).not.toHaveProperty('attempt');
    expect(buildSnapshot({ ...bare, handles: [one, two] }, 700).handles?.map((told) => told.attempt)).toEqual(
      [1, 2],
    );
  });

  test('keeps the preview within the tokens asked for, and leaves it out at 0', () => {
    const preview = [
      'stdout (200 lines)',
      ...Array.from({ length: 200 }, (_, at) => `${String(at + 1)}: line ${String(at)}`),
    ].join('\n');
    expect(buildSnapshot({ ...bare, preview }, 100).preview?.length).toBeLessThan(300);
    expect(buildSnapshot({ ...bare, preview }, 0)).not.toHaveProperty('preview');
  });

  test("shows a question's text", () => {
    const question = { kind: 'command' as const, text: 'run make?' };
    expect(buildSnapshot({ ...bare, status: 'input_required', question }, 700).question).toBe('run make?');
  });
});

test('shows of what a worker worded only what is visible', () => {
  const hidden = '\x1b[31m\u202eevil\u200b';
  const shown = '<U+202E>evil';
  const run = buildSnapshot(
    {
      ...bare,
      status: 'input_required',
      error: hidden,
      outcome: { kind: 'engine', code: hidden, message: hidden },
      question: { kind: 'command', text: hidden },
      handles: [{ ...handle('main'), stream: 'artifact', name: hidden }],
      preview: hidden,
    },
    700,
  );
  expect(run).toMatchObject({ error: shown, outcome: `engine ${shown}`, question: shown, preview: shown });
  expect(run.handles).toMatchObject([{ name: shown }]);
});
