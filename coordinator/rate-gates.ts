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
import type { OpenAttempt, OpenAttempts } from './fleet/open-attempts.ts';
import { createFullGates, type FullGates, type FullGatesKeeper } from './full-gates.ts';

/** One gate for each model of each account, for the whole fleet. */
export interface RateGates {
  /** The gate a run goes through on workers of this account; undefined for one that calls no model. */
  keyOf(need: Pick<Need, 'engines' | 'model'>, account: string): string | undefined;
  /** The accounts on which no more such runs may begin, by what is under way; undefined where there are none. */
  full(need: Pick<Need, 'engines' | 'model'>, now: number): FullGates | undefined;
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
  attempts: Pick<OpenAttempts, 'slotsOfGate'> & {
    watch(listener: (attempt: Pick<OpenAttempt, 'gate'>) => void): void;
  },
  random: () => number,
): RateGates {
  const gates = new Map<string, RateGate>();
  /** Whose gate a key is. */
  const names = new Map<string, { account: string; model: string }>();
  const fullOf = new Map<string, FullGatesKeeper>();
  let lastMs = 0;
  const gateOf = (key: string): RateGate => gates.get(key) ?? newRateGate();

  function keyOf(account: string, model: string): string {
    const key = JSON.stringify([account, model]);
    if (!names.has(key)) names.set(key, { account, model });
    return key;
  }
  function isFull(key: string): boolean {
    return headroom(gateOf(key), { now: lastMs, underWay: attempts.slotsOfGate(key) }) <= 0;
  }
  function look(key: string): void {
    const name = names.get(key);
    if (name === undefined) return;
    const { account, model } = name;
    const full = fullOf.get(model) ?? createFullGates();
    fullOf.set(model, full);
    const { untilMs } = gateOf(key);
    full.note(account, { isFull: isFull(key), untilMs: untilMs > lastMs ? untilMs : 0 });
  }
  function put(key: string, gate: RateGate, now = lastMs): void {
    lastMs = now;
    gates.set(key, gate);
    look(key);
  }
  attempts.watch(({ gate }) => {
    if (gate !== undefined) look(gate);
  });

  return {
    keyOf: (need, account) => (callsModel(need) ? keyOf(account, need.model ?? '') : undefined),
    full(need, now) {
      if (!callsModel(need)) return undefined;
      const model = need.model ?? '';
      const full = fullOf.get(model);
      if (full === undefined) return undefined;
      lastMs = now;
      full.pass(now, (account) => isFull(keyOf(account, model)));
      return full.accounts.size === 0 ? undefined : full;
    },
    refused(key, now, retryAt) {
      const gate = afterRefusal(gateOf(key), {
        now,
        retryAt,
        underWay: attempts.slotsOfGate(key),
        random: random(),
      });
      put(key, gate, now);
      return comeBackAt(gate, now, random());
    },
    spent(key, now, retryAt) {
      const gate = afterSpent(gateOf(key), { now, retryAt });
      put(key, gate, now);
      return comeBackAt(gate, now, random());
    },
    answered(key, calls) {
      let gate = gateOf(key);
      for (let call = 0; call < calls; call++) gate = afterSuccess(gate);
      put(key, gate);
    },
    restore(key, until) {
      const gate = gates.get(key);
      // Each waits a little longer than the gate: the first of them knows best.
      const first = gate === undefined ? until : Math.min(gate.untilMs, until);
      put(key, { ...newRateGate(), limit: firstLimit / 2, untried: false, untilMs: first });
    },
  };
}

function callsModel({ engines }: Pick<Need, 'engines'>): boolean {
  return engines.some((engine) => engine !== 'command');
}
