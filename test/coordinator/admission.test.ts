import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAdmission } from '../../coordinator/admission.ts';
import { createBreakers } from '../../coordinator/breakers.ts';
import type { OpenAttempt } from '../../coordinator/fleet/open-attempts.ts';
import { createRateGates } from '../../coordinator/rate-gates.ts';
import { newPace } from '../../core/pace.ts';
import { poolOf, type Candidate, type Need } from '../../core/placement.ts';

const need: Need = {
  pipeline: 'work',
  engines: ['codex'],
  worker_id: undefined,
  in_project: false,
  labels: [],
};

function candidate(id: string, local: boolean): Candidate {
  return {
    worker_id: id,
    state: 'up',
    slots: 8,
    busy: 0,
    engines: new Set(['codex']),
    pipelines: new Set(['work']),
    local,
    settled: true,
    retired: false,
    labels: new Set(),
    pace: newPace(),
    slowdown: 1,
  };
}

const workers = [candidate('near-1', true), candidate('near-2', true)].concat(
  ['a', 'b', 'c', 'd'].map((id) => candidate(id, false)),
);
const accounts = ['', 'a', 'b', 'c', 'd'];

test('a pool is kept up with the accounts that fill and empty, however they do', () => {
  const step = fc.record({ account: fc.constantFrom(...accounts), by: fc.constantFrom(8, -8, 1, -1) });
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 40 }), (rounds) => {
      const underWay = new Map<string, number>();
      let tell = (_attempt: Pick<OpenAttempt, 'gate'>): void => undefined;
      const gates = createRateGates(
        {
          slotsOfGate: (gate) => underWay.get(gate) ?? 0,
          watch: (listener) => {
            tell = listener;
          },
        },
        () => 0,
      );
      const clock = { uptimeMs: () => 0 };
      const breakers = createBreakers(clock, () => undefined);
      const fleet = { candidates: () => workers, get: () => undefined };
      const admission = createAdmission({ gates, breakers, fleet });
      const pool = poolOf(need, workers);
      for (const round of rounds) {
        for (const { account, by } of round) {
          const gate = gates.keyOf(need, account) ?? '';
          underWay.set(gate, Math.max(0, (underWay.get(gate) ?? 0) + by));
          tell({ gate });
        }
        const isFull = (account: string): boolean =>
          (underWay.get(gates.keyOf(need, account) ?? '') ?? 0) >= 8;
        const left = workers.filter((one) => !isFull(one.local ? '' : one.worker_id));
        const open = admission.round(1).open(pool);
        const ids = (all: readonly Candidate[]): string[] => all.map((one) => one.worker_id).sort();
        expect(ids(open.able)).toEqual(ids(left));
        expect(open.rejected['rate limit'] ?? 0).toBe(workers.length - left.length);
      }
    }),
  );
});
