import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTaskLedger, type BudgetedRun, type TaskLedger } from '../../core/task-ledger.ts';
import type { AttemptRecord } from '../../schemas/manifest.ts';
import type { Reserved, Usage } from '../../schemas/run.ts';

const slots = 4;

function waiting(runId: string, spec: BudgetedRun['spec'] = {}): BudgetedRun {
  return { run_id: runId, seq: 1, status: 'pending', spec, attempts: [] };
}

function usage(tokens: number, calls = 1): Usage {
  return {
    calls,
    input_tokens: tokens,
    cached_input_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
  };
}

function attempt(reserved: Reserved, more: Partial<AttemptRecord> = {}): AttemptRecord {
  const placement = { worker_id: 'w', policy: 'p', why: '', next: [], rejected: {} };
  return { attempt: 1, placement, boot_id: 'b', claimed_at: 1_000, reserved, notes: [], ...more };
}

function begun(run: BudgetedRun, ledger: TaskLedger): BudgetedRun {
  return { ...run, seq: 2, status: 'running', attempts: [attempt(ledger.given(run.run_id))] };
}

function ended(run: BudgetedRun, used: Usage): BudgetedRun {
  const [first] = run.attempts;
  const outcome = { kind: 'exit', code: 0 } as const;
  const attempts = first === undefined ? [] : [{ ...first, usage: used, outcome, ended_at: 2_000 }];
  return { ...run, seq: 3, status: 'completed', attempts };
}

describe('a share', () => {
  it('is an equal part for each slot, what is left for the last', () => {
    const ledger = createTaskLedger({ tokens: 400_000 });
    const given = ['a', 'b', 'c', 'd'].map((id) => {
      expect(ledger.admit(waiting(id), slots, 9)).toEqual({ kind: 'admitted' });
      return ledger.given(id).tokens;
    });
    expect(given).toEqual([100_000, 100_000, 100_000, 100_000]);
    expect(ledger.admit(waiting('e'), slots, 9)).toEqual({ kind: 'later' });
  });

  it('is all there is for a run that waits alone', () => {
    const ledger = createTaskLedger({ tokens: 400_000 });
    ledger.admit(waiting('a'), slots, 1);
    expect(ledger.given('a')).toEqual({ tokens: 400_000 });
  });

  it('is not cut so small that it is of no use', () => {
    const ledger = createTaskLedger({ tokens: 30_000, turns: 6, wall_ms: 90_000 });
    ledger.admit(waiting('a'), slots, 9);
    expect(ledger.given('a')).toEqual({ tokens: 20_000, turns: 5, wall_ms: 60_000 });
    ledger.admit(waiting('b'), slots, 9);
    expect(ledger.given('b')).toEqual({ tokens: 10_000, turns: 1, wall_ms: 30_000 });
  });

  it('is what the run asks for, less what its earlier attempts have used', () => {
    const ledger = createTaskLedger({ tokens: 100_000 });
    const spec = { max_tokens: 5_000, max_turns: 9, wall_ms: 700 };
    const outcome = { kind: 'engine', code: 'x', message: '' } as const;
    const attempts = [attempt({ tokens: 5_000 }, { usage: usage(2_000, 2), outcome, ended_at: 1_500 })];
    const run = { ...waiting('a', spec), attempts };
    ledger.note(run);
    ledger.admit(run, slots, 9);
    // The task bounds no time: the run's own is the worker's business.
    expect(ledger.given('a')).toEqual({ tokens: 3_000, turns: 7 });
  });

  it('is kept by a run that goes on where it was, and asks for an attempt only', () => {
    const ledger = createTaskLedger({ tokens: 1_000, attempts: 2 });
    const run = waiting('a');
    ledger.admit(run, slots, 9);
    const outcome = { kind: 'lost', resumable: true } as const;
    const first = attempt(ledger.given('a'), {
      remote_run_id: 'r',
      usage: usage(400),
      outcome,
      ended_at: 1_500,
    });
    const lost: BudgetedRun = { ...run, seq: 3, attempts: [first] };
    ledger.note(lost);
    // 400 used, 600 held for it: nothing for another.
    expect(ledger.admit(waiting('b'), slots, 9)).toEqual({ kind: 'later' });
    expect(ledger.admit(lost, slots, 9)).toEqual({ kind: 'admitted' });
    expect(ledger.given('a')).toEqual({ tokens: 1_000 });
    const again = attempt(
      { tokens: 1_000 },
      { attempt: 2, remote_run_id: 'r', usage: usage(100), outcome, ended_at: 1_900 },
    );
    const twice: BudgetedRun = { ...run, seq: 5, attempts: [first, again] };
    ledger.note(twice);
    expect(ledger.admit(twice, slots, 9)).toEqual({ kind: 'spent', which: 'attempts', limit: 2 });
  });

  it('of a start that was refused costs nothing', () => {
    const ledger = createTaskLedger({ tokens: 1_000, attempts: 1 });
    ledger.admit(waiting('a'), slots, 9);
    const outcome = { kind: 'spawn', errno: 'NO_CAPACITY' } as const;
    const refused = {
      ...waiting('a'),
      seq: 3,
      attempts: [attempt({ tokens: 1_000 }, { outcome, ended_at: 1_001 })],
    };
    ledger.note({ ...refused, seq: 2, status: 'running', attempts: [attempt({ tokens: 1_000 })] });
    ledger.note(refused);
    expect(ledger.spent()).toMatchObject({ tokens: 0, attempts: 0 });
    expect(ledger.admit(refused, slots, 9)).toEqual({ kind: 'admitted' });
  });
});

describe('a ledger', () => {
  it('says what is spent once nobody holds any of it', () => {
    const ledger = createTaskLedger({ tokens: 1_000 });
    const run = waiting('a');
    ledger.admit(run, slots, 9);
    const running = begun(run, ledger);
    ledger.note(running);
    expect(ledger.admit(waiting('b'), slots, 9)).toEqual({ kind: 'later' });
    ledger.note(ended(running, usage(1_000)));
    expect(ledger.admit(waiting('b'), slots, 9)).toEqual({ kind: 'spent', which: 'tokens', limit: 1_000 });
  });

  it('is not changed by an older record', () => {
    const ledger = createTaskLedger({ tokens: 1_000 });
    const run = waiting('a');
    ledger.admit(run, slots, 9);
    const running = begun(run, ledger);
    ledger.note(ended(running, usage(600)));
    ledger.note(running);
    ledger.admit(waiting('b'), slots, 9);
    expect(ledger.given('b')).toEqual({ tokens: 400 });
  });

  it('never gives more than there is, and gives all back', () => {
    const step = fc.tuple(fc.nat(9), fc.constantFrom('admit', 'begin', 'end', 'withdraw'), fc.nat(400));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 2_000 }), (steps, tokens) => {
        const ledger = createTaskLedger({ tokens });
        const runs = new Map<string, BudgetedRun>();
        let spent = 0;
        const held = (): number =>
          [...runs.values()].reduce((sum, { run_id: id, status, attempts }) => {
            if (status === 'running') return sum + (attempts[0]?.reserved?.tokens ?? 0);
            return sum + (ledger.given(id).tokens ?? 0);
          }, 0);
        for (const [at, what, used] of steps) {
          const id = `run-${String(at)}`;
          const run = runs.get(id) ?? waiting(id, at % 2 === 0 ? { max_tokens: 300 } : {});
          runs.set(id, run);
          if (what === 'admit' && run.status === 'pending') ledger.admit(run, slots, 9);
          if (what === 'withdraw') ledger.withdraw(id);
          if (what === 'begin' && ledger.given(id).tokens !== undefined) runs.set(id, begun(run, ledger));
          if (what === 'end' && run.status === 'running') {
            const took = Math.min(used, run.attempts[0]?.reserved?.tokens ?? 0);
            runs.set(id, ended(run, usage(took)));
            spent += took;
          }
          ledger.note(runs.get(id) ?? run);
          expect(ledger.spent().tokens).toBe(spent);
          expect(spent + held()).toBeLessThanOrEqual(tokens);
        }
      }),
    );
  });
});
