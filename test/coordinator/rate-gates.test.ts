import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OpenAttempt } from '../../coordinator/fleet/open-attempts.ts';
import { createRateGates } from '../../coordinator/rate-gates.ts';
import {
  afterRefusal,
  afterSpent,
  afterSuccess,
  firstLimit,
  headroom,
  newRateGate,
  type RateGate,
} from '../../core/rate-gate.ts';

const random = 0.5;
const accounts = ['', 'near', 'far'];
const need = { engines: ['codex'], model: undefined } as const;

/** Gates over slots that are counted here, as the open attempts count them. */
function gatesOver(underWay: Map<string, number>) {
  const listeners: ((attempt: Pick<OpenAttempt, 'gate'>) => void)[] = [];
  const gates = createRateGates(
    { slotsOfGate: (gate) => underWay.get(gate) ?? 0, watch: (listener) => void listeners.push(listener) },
    () => random,
  );
  const keyOf = (account: string): string => gates.keyOf(need, account) ?? '';
  return {
    gates,
    keyOf,
    full: (now: number): string[] => [...(gates.full(need, now)?.accounts ?? [])].sort(),
    use(account: string, by: number) {
      const gate = keyOf(account);
      underWay.set(gate, (underWay.get(gate) ?? 0) + by);
      for (const listener of listeners) listener({ gate });
    },
  };
}

test('an account is full while as many runs use it as may, or it was refused, and only for such runs', () => {
  const { gates, full, use, keyOf } = gatesOver(new Map());
  for (let run = 0; run < firstLimit; run++) use('near', 1);
  expect(full(1)).toEqual(['near']);
  expect(gates.full({ engines: ['command'], model: undefined }, 1)).toBeUndefined();
  expect(gates.full({ ...need, model: 'other' }, 1)).toBeUndefined();
  use('near', -1);
  expect(full(1)).toEqual([]);
  gates.spent(keyOf('far'), 10, 1_000);
  expect(full(999)).toEqual(['far']);
  expect(full(1_000)).toEqual([]);
});

type Step = { account: string; kind: 'begin' | 'end' | 'refused' | 'spent' | 'answered'; afterMs: number };
const step: fc.Arbitrary<Step> = fc.record({
  account: fc.constantFrom(...accounts),
  kind: fc.constantFrom('begin', 'end', 'refused', 'spent', 'answered'),
  afterMs: fc.nat(3_000),
});

test('what changed is always what asking each gate anew would tell', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const underWay = new Map<string, number>();
      const { gates, keyOf, full, use } = gatesOver(underWay);
      const apart = new Map<string, RateGate>();
      let now = 0;
      for (const { account, kind, afterMs } of steps) {
        now += afterMs;
        const key = keyOf(account);
        const gate = apart.get(account) ?? newRateGate();
        const used = underWay.get(key) ?? 0;
        const refusal = { now, retryAt: undefined, underWay: used, random };
        if (kind === 'begin') use(account, 1);
        else if (kind === 'end' && used > 0) use(account, -1);
        else if (kind === 'refused') {
          gates.refused(key, now, undefined);
          apart.set(account, afterRefusal(gate, refusal));
        } else if (kind === 'spent') {
          gates.spent(key, now, now + 2 * afterMs);
          apart.set(account, afterSpent(gate, { now, retryAt: now + 2 * afterMs }));
        } else if (kind === 'answered') {
          gates.answered(key, 1);
          apart.set(account, afterSuccess(gate));
        }
        const asked = accounts.filter((each) => {
          const state = { now, underWay: underWay.get(keyOf(each)) ?? 0 };
          return headroom(apart.get(each) ?? newRateGate(), state) <= 0;
        });
        expect(full(now)).toEqual(asked.sort());
      }
    }),
  );
});
