import { describe, expect, it } from 'vitest';
import { nothingTold } from '../../../core/token-ledger.ts';
import { finishOf, newRun } from '../../helpers/runs.ts';
import type { Bench } from './bench.ts';

/** What reached agents of runs. */
export function toldCases(bench: Bench): void {
  describe('tell', () => {
    it('adds up by run, and changes nothing of it', async () => {
      const run = await bench.created();
      const other = await bench.created();
      expect(await bench.store.told(run.run_id)).toBeUndefined();
      const first = {
        run_id: run.run_id,
        replies: 2,
        bytes: 90,
        counted_bytes: 40,
        tokens: 12,
        inline: undefined,
      };
      const second = { ...first, replies: -1, bytes: 5, inline: { tokens: 700, method: 'sampled' as const } };
      await bench.store.tell([first, { ...nothingTold(other.run_id), replies: 1 }]);
      await bench.store.tell([second]);
      await bench.store.tell([nothingTold(run.run_id)]);
      const sum = { replies: 1, bytes: 95, counted_bytes: 80, tokens: 24 };
      expect(await bench.store.told(run.run_id)).toEqual({ ...second, ...sum });
      expect(await bench.store.told(other.run_id)).toEqual({ ...nothingTold(other.run_id), replies: 1 });
      expect((await bench.stored(run.run_id)).seq).toBe(run.seq);
    });

    it('tells of no run that is not kept', async () => {
      const run = await bench.claimed();
      await bench.store.tell([{ ...nothingTold(run.run_id), replies: 1 }]);
      await bench.store.finish([finishOf(run.run_id)]);
      await bench.store.forget([run.run_id]);
      await bench.store.tell([{ ...nothingTold(run.run_id), replies: 1 }, nothingTold(newRun().run_id)]);
      expect(await bench.store.told(run.run_id)).toBeUndefined();
    });

    it('is called for with every other write', async () => {
      let calls = 0;
      bench.store.alongside(() => (calls += 1));
      const run = await bench.created();
      expect(calls).toBe(1);
      await bench.store.tell([nothingTold(run.run_id)]);
      expect(calls).toBe(1);
      await bench.store.hold(run.run_id, true, 1);
      expect(calls).toBe(2);
    });
  });
}
