import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  afterRefusal,
  afterSuccess,
  comeBackAt,
  headroom,
  newRateGate,
  type RateGate,
} from '../../core/rate-gate.ts';

function refused(gate: RateGate, more: Partial<Parameters<typeof afterRefusal>[1]> = {}): RateGate {
  return afterRefusal(gate, { now: 0, retryAt: 1_000, underWay: gate.limit, random: 0, ...more });
}
function succeeded(gate: RateGate, times: number): RateGate {
  return Array.from({ length: times }).reduce<RateGate>((one) => afterSuccess(one), gate);
}

describe('a rate gate', () => {
  test('begins with some, and doubles with every round that goes well', () => {
    const gate = newRateGate();
    expect(headroom(gate, { now: 0, underWay: 3 })).toBe(5);
    expect(succeeded(gate, 8).limit).toBe(16);
  });

  test('is shut until the provider says, and halved once for a burst of refusals', () => {
    const gate = refused(newRateGate());
    expect(gate.limit).toBe(4);
    expect(headroom(gate, { now: 999, underWay: 0 })).toBe(0);
    expect(headroom(gate, { now: 1_000, underWay: 1 })).toBe(3);
    const more = refused(refused(gate, { now: 200, retryAt: 1_200 }), { now: 300, retryAt: 900 });
    expect(more).toMatchObject({ limit: 4, untilMs: 1_200 });
    expect(refused(more, { now: 1_300, retryAt: 2_300 })).toMatchObject({ limit: 2, untilMs: 2_300 });
    expect(refused(refused(gate, { now: 2_000 }), { now: 9_000 }).limit).toBe(1);
  });

  test('halves what was under way, where that was less than it allowed', () => {
    expect(refused(newRateGate(), { underWay: 2 }).limit).toBe(1);
  });

  test('grows by one a round afterwards, and more slowly where growing was wrong', () => {
    const cut = { ...refused(newRateGate()), limit: 3 };
    expect(succeeded(cut, 2).limit).toBe(3);
    const grown = succeeded(cut, 3);
    expect(grown.limit).toBe(4);
    const wrong = { ...refused(grown, { now: 5_000, retryAt: 6_000 }), limit: 3 };
    expect(succeeded(wrong, 5).limit).toBe(3);
    const again = succeeded(wrong, 6);
    expect(again.limit).toBe(4);
    expect(succeeded(again, 4 * 2).patience).toBe(1);
  });

  test('waits by itself, longer each time, where no provider says how long', () => {
    let gate = newRateGate();
    const waits = Array.from({ length: 6 }, () => {
      const now = gate.untilMs;
      gate = refused(gate, { now, retryAt: undefined, random: 1 - 1e-9 });
      return gate.untilMs - now;
    });
    expect(waits).toEqual([3_000, 9_000, 27_000, 60_000, 60_000, 60_000]);
    expect(refused(afterSuccess(gate), { now: gate.untilMs, retryAt: undefined }).waitMs).toBe(1_000);
  });

  test('sends no run back before it opens, nor much later', () => {
    fc.assert(
      fc.property(
        fc.nat(600_000),
        fc.nat(700_000),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (until, now, random) => {
          const at = comeBackAt({ ...newRateGate(), untilMs: until }, now, random);
          expect(at).toBeGreaterThanOrEqual(Math.max(until, now));
          expect(at).toBeLessThanOrEqual(Math.max(until, now) + 1_000);
        },
      ),
    );
  });

  test('against a provider that serves so many at a time: most calls are answered, and its room is used', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), (capacity) => {
        let gate = newRateGate();
        let now = 0;
        let refusals = 0;
        let served = 0;
        let rounds = 0;
        // A round: as many runs as the gate lets in call the model at once.
        for (; rounds < 200; rounds++) {
          now = Math.max(now + 1_000, gate.untilMs);
          const asking = headroom(gate, { now, underWay: 0 });
          expect(asking).toBeGreaterThan(0);
          const good = Math.min(asking, capacity);
          for (let n = 0; n < asking - good; n++) {
            gate = afterRefusal(gate, { now, retryAt: now + 1_000, underWay: asking - n, random: 0 });
            refusals++;
          }
          gate = succeeded(gate, good);
          served += good;
        }
        expect((served + refusals) / served).toBeLessThan(1.25);
        expect(served / rounds).toBeGreaterThan(0.5 * capacity);
      }),
    );
  });
});
