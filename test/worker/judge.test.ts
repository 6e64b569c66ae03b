import { expect, test } from 'vitest';
import type { Outcome } from '../../schemas/run.ts';
import type { EngineEnd } from '../../servers/worker/engines/engine.ts';
import { judge, type Cause, type Judged, type Verdict } from '../../servers/worker/runs/judge.ts';

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
  expect(judge({ outcome }, { cause, stopOnFailure, resumable: false, isLast: false })).toEqual(verdict);
});

const limited: Outcome = { kind: 'engine', code: 'rateLimitExceeded', message: '429' };
const crashed: Outcome = { kind: 'engine', code: 'process_ended', message: 'x' };
const spent: Outcome = { kind: 'engine', code: 'usageLimitExceeded', message: 'x' };
const wrong: Outcome = { kind: 'engine', code: 'invalid_result', message: 'x' };

test.each<[EngineEnd, Partial<Judged>, Verdict['kind']]>([
  [{ outcome: limited }, {}, 'interrupted'],
  [{ outcome: limited }, { isLast: true }, 'interrupted'],
  [{ outcome: limited }, { resumable: false }, 'over'],
  [{ outcome: limited }, { cause: { kind: 'cancelled' } }, 'over'],
  [{ outcome: spent, retry_at: 9 }, {}, 'interrupted'],
  [{ outcome: spent }, {}, 'over'],
  [{ outcome: crashed }, {}, 'interrupted'],
  [{ outcome: crashed }, { isLast: true }, 'over'],
  [{ outcome: { kind: 'signal', signal: 'SIGKILL' } }, {}, 'interrupted'],
  [{ outcome: wrong }, {}, 'over'],
  [{ outcome: exit1 }, {}, 'over'],
])('%j of a run that could go on, %j, is %s', (end, changed, kind) => {
  const judged = { cause: undefined, stopOnFailure: true, resumable: true, isLast: false, ...changed };
  expect(judge(end, judged).kind).toBe(kind);
});
