import { expect, test } from 'vitest';
import type { Outcome } from '../../schemas/run.ts';
import { judge, type Cause, type Verdict } from '../../servers/worker/runs/judge.ts';

const exit1: Outcome = { kind: 'exit', code: 1 };
const lost: Outcome = { kind: 'lost', resumable: false };
const suspended: Outcome = { kind: 'lost', resumable: true };
const timeout: Cause = { kind: 'timeout', wall_ms: 5 };

test.each<[Outcome, Cause | undefined, boolean, Verdict]>([
  [{ kind: 'exit', code: 0 }, undefined, true, { kind: 'next' }],
  [{ kind: 'exit', code: 0 }, { kind: 'cancelled' }, true, { kind: 'next' }],
  [exit1, undefined, true, { kind: 'over', outcome: exit1 }],
  [exit1, undefined, false, { kind: 'failed', outcome: exit1 }],
  [
    { kind: 'spawn', errno: 'ENOENT' },
    undefined,
    false,
    { kind: 'failed', outcome: { kind: 'spawn', errno: 'ENOENT' } },
  ],
  [{ kind: 'cancelled' }, { kind: 'cancelled' }, false, { kind: 'over', outcome: { kind: 'cancelled' } }],
  [timeout, timeout, false, { kind: 'over', outcome: timeout }],
  [
    { kind: 'limit', which: 'disk' },
    undefined,
    false,
    { kind: 'over', outcome: { kind: 'limit', which: 'disk' } },
  ],
  [lost, undefined, false, { kind: 'over', outcome: lost }],
  [suspended, undefined, true, { kind: 'suspended' }],
  [suspended, { kind: 'lost', resumable: true }, true, { kind: 'suspended' }],
  [suspended, timeout, true, { kind: 'over', outcome: timeout }],
])('%j, asked for %j, stop on failure %j', (outcome, cause, stopOnFailure, verdict) => {
  expect(judge(outcome, cause, stopOnFailure)).toEqual(verdict);
});
