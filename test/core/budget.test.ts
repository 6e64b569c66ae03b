import { describe, expect, it } from 'vitest';
import { lowered, outcomeWithin, passedLimit, raisedBy, spentBy, usageSince } from '../../core/budget.ts';
import type { AttemptRecord } from '../../schemas/manifest.ts';

const usage = { calls: 3, input_tokens: 90, cached_input_tokens: 80, output_tokens: 10, reasoning_tokens: 5 };
const placement = { worker_id: 'w', policy: 'p', why: '', next: [], rejected: {} };
const attempt: AttemptRecord = { attempt: 1, placement, boot_id: 'b', claimed_at: 1_000, notes: [] };

describe('passedLimit', () => {
  it.each([
    [{}, true, undefined],
    [{ max_tokens: 100 }, false, undefined],
    [{ max_tokens: 100 }, true, 'tokens'],
    [{ max_tokens: 99 }, false, 'tokens'],
    [{ max_turns: 3 }, false, undefined],
    [{ max_turns: 3 }, true, 'turns'],
    [{ max_turns: 2 }, false, 'turns'],
    [{ max_turns: 4 }, true, undefined],
  ] as const)('of %j, going on: %j, is %s', (limits, goesOn, which) => {
    expect(passedLimit(usage, limits, goesOn)).toBe(which);
  });
});

describe('spentBy', () => {
  it('sums what attempts used, without those that never reached a process', () => {
    const spawn = {
      ...attempt,
      outcome: { kind: 'spawn', errno: 'E' },
      usage,
      active_ms: 7,
      ended_at: 9,
    } as const;
    expect(spentBy([{ ...attempt, usage, active_ms: 70 }, spawn, { ...attempt, usage }])).toEqual({
      tokens: 200,
      turns: 6,
      wall_ms: 70,
      attempts: 2,
    });
  });

  it('counts all the time of an attempt whose worker told none, up to what it was given', () => {
    const lost = { ...attempt, outcome: { kind: 'lost', resumable: false }, ended_at: 5_000 } as const;
    expect(spentBy([lost]).wall_ms).toBe(4_000);
    expect(spentBy([{ ...lost, reserved: { wall_ms: 500 } }]).wall_ms).toBe(500);
  });
});

it('tells what was used since', () => {
  const earlier = { ...usage, calls: 1, input_tokens: 50 };
  expect(usageSince(usage, [earlier, undefined])).toEqual({
    calls: 2,
    input_tokens: 40,
    cached_input_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
  });
});

describe('a budget', () => {
  it('is only lowered', () => {
    expect(lowered({ tokens: 10, runs: 3 }, { tokens: 5, turns: 2 })).toEqual({
      tokens: 5,
      turns: 2,
      runs: 3,
    });
    expect(lowered({ tokens: 5 }, { tokens: 10 })).toEqual({ tokens: 5 });
    expect(raisedBy({ tokens: 5 }, { tokens: 5, turns: 1 })).toBeUndefined();
    expect(raisedBy({ turns: 5 }, { tokens: 9, turns: 6 })).toBe('turns');
  });
});

describe('time that ran out', () => {
  const timeout = { kind: 'timeout', wall_ms: 500 } as const;
  it.each([
    [timeout, { wall_ms: 500 }, {}, { kind: 'limit', which: 'wall' }],
    [timeout, { wall_ms: 500 }, { wall_ms: 500 }, timeout],
    [timeout, undefined, { wall_ms: 500 }, timeout],
    [{ kind: 'exit', code: 0 }, { wall_ms: 500 }, {}, { kind: 'exit', code: 0 }],
  ] as const)('as %j with %j of %j is %j', (outcome, reserved, spec, expected) => {
    expect(outcomeWithin(outcome, reserved, spec)).toEqual(expected);
  });
});
