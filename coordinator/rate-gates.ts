import type { Need } from '../core/placement.ts';
import {
  afterRefusal,
  afterSpent,
  afterSuccess,
  comeBackAt,
  firstLimit,
  headroom,
  newRateGate,
  type RateGate,
} from '../core/rate-gate.ts';
import type { OpenAttempts } from './fleet/open-attempts.ts';

/** One gate for each model of each account, for the whole fleet. */
export interface RateGates {
  /** The gate a run goes through on workers of this account; undefined for one that calls no model. */
  keyOf(need: Pick<Need, 'engines' | 'model'>, account: string): string | undefined;
  /** How many more runs may begin, by what is under way. */
  headroom(key: string, now: number): number;
  /** A call of the model was refused; answers when the run may come back, ms since the epoch. */
  refused(key: string, now: number, retryAt: number | undefined): number;
  /** All that may be used until `retryAt` is used up; answers the same. */
  spent(key: string, now: number, retryAt: number): number;
  /** So many calls of the model were answered. */
  answered(key: string, calls: number): void;
  /** A run of an earlier coordinator waits for this gate. */
  restore(key: string, until: number): void;
}

export function createRateGates(
  attempts: Pick<OpenAttempts, 'slotsOfGate'>,
  random: () => number,
): RateGates {
  const gates = new Map<string, RateGate>();
  const gateOf = (key: string): RateGate => gates.get(key) ?? newRateGate();

  return {
    keyOf: ({ engines, model }, account) =>
      engines.some((engine) => engine !== 'command') ? JSON.stringify([account, model ?? '']) : undefined,
    headroom: (key, now) => headroom(gateOf(key), { now, underWay: attempts.slotsOfGate(key) }),
    refused(key, now, retryAt) {
      const gate = afterRefusal(gateOf(key), {
        now,
        retryAt,
        underWay: attempts.slotsOfGate(key),
        random: random(),
      });
      gates.set(key, gate);
      return comeBackAt(gate, now, random());
    },
    spent(key, now, retryAt) {
      const gate = afterSpent(gateOf(key), { now, retryAt });
      gates.set(key, gate);
      return comeBackAt(gate, now, random());
    },
    answered(key, calls) {
      let gate = gateOf(key);
      for (let call = 0; call < calls; call++) gate = afterSuccess(gate);
      gates.set(key, gate);
    },
    restore(key, until) {
      const gate = gates.get(key);
      // Each waits a little longer than the gate: the first of them knows best.
      const first = gate === undefined ? until : Math.min(gate.untilMs, until);
      gates.set(key, { ...newRateGate(), limit: firstLimit / 2, untried: false, untilMs: first });
    },
  };
}
