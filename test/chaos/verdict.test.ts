import { describe, expect, it } from 'vitest';
import type { Asked } from '../../scripts/chaos/traffic.ts';
import { judgeRun } from '../../scripts/chaos/verdict.ts';
import { manifest, type AttemptRecord } from '../../schemas/manifest.ts';
import type { Outcome } from '../../schemas/run.ts';

const exit3 = { kind: 'exit', code: 3 } as const;
const lost = { kind: 'lost', resumable: false } as const;
const superseded = { kind: 'cancelled', reason: 'attempt 2 was first' } as const;

interface Told {
  worker: string;
  outcome: Outcome;
  beside?: number;
  from?: number;
}

/** What is wrong with a run of these attempts whose command was begun `starts` times and ended by exit 3. */
function judged(
  told: readonly Told[],
  starts: number,
  more: { pipeline?: 'once'; dead?: string[] } = {},
): string[] {
  const { dead = [] } = more;
  const pipeline: Asked['pipeline'] = more.pipeline ?? 'again';
  const attempts = told.map(({ worker, outcome, beside, from = 1_000 }, at): AttemptRecord => ({
    attempt: at + 1,
    placement: { worker_id: worker, policy: 'p', why: 'w', next: [], rejected: {} },
    boot_id: 'boot',
    claimed_at: from,
    ended_at: 2_000,
    outcome,
    ...(beside !== undefined && { hedge: { beside, why: 'late' } }),
    notes: [],
  }));
  const runId = 'run_V1StGXR8Z5jdHi6BmyT01';
  const written = manifest.parse({
    schema_version: 1,
    run_id: runId,
    task_id: 'task',
    task_manifest: 'index.json',
    status: 'failed',
    spec: { pipeline, task_id: 'task', cwd: '/w', prompt: 'p', inputs: {}, ask: false, depth: 0 },
    attempts,
    privacy: { mode: 'off' },
    handles: [],
    decisions: [],
    timing: { accepted_at: 1 },
    outcome: exit3,
  });
  const asked = { key: 'k', task: 'task', pipeline, code: 3, runId, cancelAsked: false, endSeenMs: 1 };
  const truth = { starts, ends: ['3'], endSeenMs: 1 };
  const snapshot = { run_id: runId, status: 'failed' } as const;
  return judgeRun(
    { ...asked, snapshot },
    {
      manifestOf: () => written,
      oracle: { look: () => undefined, of: () => truth },
      deaths: { look: () => undefined, within: (worker) => dead.includes(worker), count: () => 0 },
      killed: new Set(),
      diskWasFull: false,
      filesWereCut: false,
    },
  ).map(({ what }) => what.replace(/^.*\): (.*) — .*$/, '$1'));
}

describe('the chaos suite finds nothing wrong with', () => {
  it.each<[string, Told[], string[]]>([
    ['a run that ran once', [{ worker: 'a', outcome: exit3 }], []],
    [
      'a hedge that won',
      [
        { worker: 'a', outcome: superseded },
        { worker: 'b', outcome: exit3, beside: 1 },
      ],
      [],
    ],
    [
      'a hedge that lost, beside an attempt that ran to its end',
      [
        { worker: 'a', outcome: exit3 },
        { worker: 'b', outcome: { kind: 'cancelled' }, beside: 1 },
      ],
      [],
    ],
    [
      'a hedge whose first died, and another attempt after both',
      [
        { worker: 'a', outcome: lost },
        { worker: 'b', outcome: lost, beside: 1 },
        { worker: 'a', outcome: exit3 },
      ],
      ['a', 'b'],
    ],
  ])('%s', (_, told, dead) => {
    expect(judged(told, told.length, { dead })).toEqual([]);
  });
});

describe('the chaos suite finds out', () => {
  const again = 'executed again although its worker survived';
  it.each<[string, Told[], string[], string]>([
    [
      'a retry after a plain exit',
      [
        { worker: 'a', outcome: exit3 },
        { worker: 'a', outcome: exit3 },
      ],
      [],
      again,
    ],
    [
      'one after the exit of a hedge',
      [
        { worker: 'a', outcome: lost },
        { worker: 'b', outcome: exit3, beside: 1 },
        { worker: 'b', outcome: exit3 },
      ],
      ['a'],
      again,
    ],
    [
      'a worker that was not lost',
      [
        { worker: 'a', outcome: lost },
        { worker: 'b', outcome: exit3 },
      ],
      ['b'],
      again,
    ],
    [
      'a hedge too late',
      [
        { worker: 'a', outcome: exit3 },
        { worker: 'b', outcome: { kind: 'cancelled' }, beside: 1, from: 60_000 },
      ],
      [],
      'hedged beside an attempt that had ended',
    ],
  ])('%s', (_, told, dead, wrong) => {
    expect(judged(told, told.length, { dead })).toEqual([wrong]);
  });

  it('a hedge of what may not be repeated, and an execution no attempt stands for', () => {
    const first = { worker: 'a', outcome: exit3 };
    const hedged = [first, { worker: 'b', outcome: superseded, beside: 1 }];
    expect(judged(hedged, 1, { pipeline: 'once' })).toEqual(['hedged although it may not be repeated']);
    expect(judged([first], 2)).toEqual(['2 executions in 1 attempts']);
  });
});
