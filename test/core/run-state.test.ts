import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { canTransition, statusOf, transition, type Run, type RunEvent } from '../../core/run-state.ts';
import type { Outcome } from '../../schemas/run.ts';
import { isTerminal, runStatuses } from '../../schemas/run-words.ts';

const question = { kind: 'command' as const, text: 'rm -rf build?' };
const exit0: Outcome = { kind: 'exit', code: 0 };
const cancelled: Outcome = { kind: 'cancelled' };

const states = {
  pending: { status: 'pending' },
  running: { status: 'running', started_at: 5 },
  input_required: { status: 'input_required', started_at: 5, question },
  held: { status: 'paused', how: 'queued', started_at: undefined },
  stopped: { status: 'paused', how: 'stopped', started_at: 5 },
  suspended: { status: 'paused', how: 'turn_boundary', started_at: 5 },
  lost: { status: 'paused', how: 'lost', started_at: 5 },
  completed: { status: 'completed', started_at: 5, ended_at: 9, outcome: exit0 },
  failed: { status: 'failed', started_at: 5, ended_at: 9, outcome: { kind: 'exit', code: 1 } },
  cancelled: { status: 'cancelled', started_at: undefined, ended_at: 9, outcome: cancelled },
} as const satisfies Record<string, Run>;
type StateName = keyof typeof states;

const events = {
  started: { kind: 'started', at: 5 },
  asked: { kind: 'asked', question },
  answered: { kind: 'answered' },
  held: { kind: 'paused', how: 'queued' },
  stopped: { kind: 'paused', how: 'stopped' },
  suspended: { kind: 'paused', how: 'turn_boundary' },
  lost: { kind: 'paused', how: 'lost' },
  resumed: { kind: 'resumed' },
  released: { kind: 'released' },
  completed: { kind: 'ended', at: 9, outcome: exit0 },
  failed: { kind: 'ended', at: 9, outcome: { kind: 'exit', code: 1 } },
  cancelled: { kind: 'ended', at: 9, outcome: cancelled },
} as const satisfies Record<string, RunEvent>;
type EventName = keyof typeof events;

/** Which state follows; what is not listed is refused. */
const underway = {
  asked: 'input_required',
  stopped: 'stopped',
  suspended: 'suspended',
  lost: 'lost',
  released: 'pending',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
} as const;
const resting = {
  stopped: 'stopped',
  suspended: 'suspended',
  lost: 'lost',
  resumed: 'running',
  released: 'pending',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
} as const;
const table: Record<StateName, Partial<Record<EventName, StateName>>> = {
  pending: { started: 'running', held: 'held', failed: 'failed', cancelled: 'cancelled' },
  running: underway,
  input_required: { ...underway, answered: 'running' },
  held: { resumed: 'pending', failed: 'failed', cancelled: 'cancelled' },
  stopped: resting,
  suspended: resting,
  lost: resting,
  completed: {},
  failed: {},
  cancelled: {},
};

/** An end keeps when the run began: a run that never did has none. */
function expected(from: Run, name: StateName): Run {
  const state: Run = states[name];
  if (!('ended_at' in state)) return state;
  return { ...state, started_at: 'started_at' in from ? from.started_at : undefined };
}

describe('the state machine of a run', () => {
  const cases = Object.keys(states).flatMap((state) => Object.keys(events).map((event) => [state, event]));
  test.each(cases)('%s, %s', (stateName, eventName) => {
    const [state] = Object.entries(states)
      .filter(([name]) => name === stateName)
      .map(([, value]) => value);
    const [event] = Object.entries(events)
      .filter(([name]) => name === eventName)
      .map(([, value]) => value);
    if (state === undefined || event === undefined) throw new Error('no such case');
    const row = Object.entries(table).find(([name]) => name === stateName)?.[1] ?? {};
    const next = Object.entries(row).find(([name]) => name === eventName)?.[1];
    const result = transition(state, event);
    if (next === undefined)
      expect(result).toEqual({ ok: false, error: { from: state.status, event: event.kind } });
    else expect(result).toEqual({ ok: true, value: expected(state, next) });
  });

  test('canTransition says exactly what some event can do', () => {
    const reached = new Set<string>();
    for (const state of Object.values(states)) {
      for (const event of Object.values(events)) {
        const result = transition(state, event);
        if (result.ok) reached.add(`${state.status} ${result.value.status}`);
      }
    }
    for (const from of runStatuses) {
      for (const to of runStatuses)
        expect([from, to, canTransition(from, to)]).toEqual([from, to, reached.has(`${from} ${to}`)]);
    }
  });

  test('whatever happens, an ended run never changes and no other run has an end', () => {
    const anyEvent = fc.constantFrom<RunEvent>(...Object.values(events));
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), (sequence) => {
        let run: Run = { status: 'pending' };
        for (const event of sequence) {
          const result = transition(run, event);
          if (isTerminal(run.status)) expect(result.ok).toBe(false);
          if (result.ok) run = result.value;
          expect('outcome' in run).toBe(isTerminal(run.status));
        }
      }),
    );
  });

  test.each<[Outcome, string]>([
    [{ kind: 'exit', code: 0 }, 'completed'],
    [{ kind: 'exit', code: 1 }, 'failed'],
    [{ kind: 'signal', signal: 'SIGKILL' }, 'failed'],
    [{ kind: 'timeout', wall_ms: 100 }, 'failed'],
    [{ kind: 'cancelled' }, 'cancelled'],
    [{ kind: 'limit', which: 'output' }, 'failed'],
    [{ kind: 'spawn', errno: 'ENOENT' }, 'failed'],
    [{ kind: 'engine', code: 'usageLimitExceeded', message: '' }, 'failed'],
    [{ kind: 'lost', resumable: false }, 'failed'],
  ])('%j ends a run as %s', (outcome, status) => {
    expect(statusOf(outcome)).toBe(status);
  });
});
