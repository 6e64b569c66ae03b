import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../../coordinator/store/run-store.ts';
import { claimOf, finishOf, handleOf, newRun } from '../../helpers/runs.ts';
import type { Bench } from './bench.ts';

const why = 'after 9 s';
const exit1 = { status: 'failed', outcome: { kind: 'exit', code: 1 } } as const;
const lost = { kind: 'lost', resumable: true } as const;

/** Two attempts of one run under way. */
export function hedgeCases(bench: Bench): void {
  async function hedged(run = newRun()): Promise<string> {
    const { run_id: id } = await bench.claimed(run);
    await bench.store.claim([claimOf(id, { worker: 'local-2', now: 3000, hedge: { beside: 1, why } })]);
    return id;
  }
  async function finish(id: string, change: Parameters<typeof finishOf>[1]): Promise<RunRecord | undefined> {
    const [run] = await bench.store.finish([finishOf(id, change)]);
    expect(await bench.stored(id)).toEqual(run ?? (await bench.stored(id)));
    return run;
  }

  describe('a hedge', () => {
    it('is a second attempt of a run that goes on as it is', async () => {
      const run = await bench.stored(await hedged());
      expect(run).toMatchObject({ status: 'running', first_claimed_at: 2000 });
      expect(run.attempts).toMatchObject([
        { attempt: 1 },
        { attempt: 2, hedge: { beside: 1, why }, claimed_at: 3000, placement: { worker_id: 'local-2' } },
      ]);
    });

    it('is not begun beside two, beside one that does not run, nor beside another than the one it names', async () => {
      const { store } = bench;
      const { run_id: waiting } = await bench.created();
      const beside = (number: number) => ({ hedge: { beside: number, why } });
      expect(await store.claim([claimOf(waiting, beside(1))])).toEqual([undefined]);
      const { run_id: id } = await bench.claimed();
      expect(await store.claim([claimOf(id, beside(2))])).toEqual([undefined]);
      await store.progress([{ run_id: id, attempt: 1, now: 1, status: 'paused' }]);
      expect(await store.claim([claimOf(id, beside(1))])).toEqual([undefined]);
      await store.progress([{ run_id: id, attempt: 1, now: 1, status: 'running' }]);
      const [first, second] = await store.claim([claimOf(id, beside(1)), claimOf(id, beside(1))]);
      expect([first?.attempts.length, second]).toEqual([2, undefined]);
      const { run_id: ending } = await bench.claimed();
      await store.cancel([ending], 1);
      expect(await store.claim([claimOf(ending, beside(1))])).toEqual([undefined]);
    });

    it.each([
      [1, 2],
      [2, 1],
    ])(
      'is over when attempt %i completes: attempt %i is superseded, its handles kept',
      async (winner, loser) => {
        const id = await hedged();
        const [of1, of2] = [handleOf({ attempt: 1 }), handleOf({ attempt: 2, worker_id: 'local-2' })];
        await bench.store.progress([{ run_id: id, attempt: 1, now: 1, handles: [of1], preview: 'first' }]);
        await bench.store.progress([{ run_id: id, attempt: 2, now: 1, handles: [of2], preview: 'second' }]);
        expect((await bench.stored(id)).preview).toBe('first');
        const run = await finish(id, { attempt: winner, preview: 'won' });
        expect(run).toMatchObject({ status: 'completed', handles: [of1, of2], preview: 'won' });
        expect(run?.attempts[winner - 1]?.superseded_by).toBeUndefined();
        expect(run?.attempts[loser - 1]).toMatchObject({
          superseded_by: winner,
          ended_at: 9000,
          outcome: { kind: 'cancelled' },
        });
        expect(await finish(id, { attempt: loser })).toBeUndefined();
        expect(await bench.store.open()).toEqual([]);
      },
    );

    it('that is over still has its handles told to their end, and nothing else', async () => {
      const id = await hedged();
      const handle = handleOf({ attempt: 2, worker_id: 'local-2' });
      await bench.store.progress([{ run_id: id, attempt: 2, now: 1, handles: [handle] }]);
      const end = await finish(id, {});
      const sealed = { ...handle, state: 'sealed', bytes: 99, sha256: 'f'.repeat(64) } as const;
      const late = { run_id: id, attempt: 2, now: 9999, handles: [sealed], preview: 'late', notes: ['late'] };
      const [told] = await bench.store.progress([late]);
      expect(told).toEqual({ ...end, seq: told?.seq, handles: [sealed] });
      expect(await bench.store.progress([late])).toEqual([told]);
      expect(await bench.stored(id)).toEqual(told);
    });

    it.each([1, 2])('leaves the run to the other attempt where attempt %i is lost', async (loser) => {
      const winner = 3 - loser;
      const failed = await hedged();
      const left = await finish(failed, { attempt: loser, status: 'failed', outcome: lost });
      expect(left).toMatchObject({ status: 'running', ended_at: undefined, outcome: undefined });
      expect(await finish(failed, { attempt: winner })).toMatchObject({ status: 'completed' });
      const taken = await hedged();
      const requeue = { run_id: taken, attempt: loser, now: 4000, outcome: lost, not_before: 9 };
      const [after] = await bench.store.requeue([requeue]);
      expect(after).toMatchObject({ status: 'running', not_before: undefined });
      expect(after?.attempts[loser - 1]).toMatchObject({ outcome: lost });
      expect(await finish(taken, { attempt: winner, ...exit1 })).toMatchObject(exit1);
    });

    it.each([1, 2])(
      'ends the run by the exit of attempt %i, unless that may be tried again',
      async (first) => {
        const run = await finish(await hedged(), { attempt: first, ...exit1 });
        expect(run).toMatchObject({ ...exit1, ended_at: 9000 });
        expect(run?.attempts[2 - first]).toMatchObject({
          superseded_by: first,
          outcome: { kind: 'cancelled' },
        });
        const again = await hedged(newRun({ spec: { retry_on_exit: true } }));
        expect(await finish(again, { attempt: first, ...exit1 })).toMatchObject({ status: 'running' });
      },
    );

    it('lets the first attempt tell how the run stands, and the second once it is alone', async () => {
      const id = await hedged();
      const question = { kind: 'question', text: 'Which?' } as const;
      const ask = { run_id: id, now: 1, status: 'input_required', question } as const;
      const [asks] = await bench.store.progress([{ ...ask, attempt: 1 }]);
      expect(asks).toMatchObject({ status: 'input_required', question });
      const [same] = await bench.store.progress([
        { run_id: id, attempt: 2, now: 1, status: 'running', question: null },
      ]);
      expect(same).toMatchObject({ status: 'input_required', question });
      expect(await finish(id, { status: 'failed', outcome: lost })).toMatchObject({
        status: 'running',
        question: undefined,
      });
      expect((await bench.store.progress([{ ...ask, attempt: 2 }]))[0]?.status).toBe('input_required');
    });

    it('whose run is cancelled ends it with the second of its attempts', async () => {
      const id = await hedged();
      await bench.store.cancel([id], 4000);
      const cancelled = { status: 'cancelled', outcome: { kind: 'cancelled' } } as const;
      expect(await finish(id, cancelled)).toMatchObject({ status: 'running', cancel_requested: true });
      expect(await finish(id, { attempt: 2, ...cancelled })).toMatchObject(cancelled);
    });

    it('has a lease of its own', async () => {
      const id = await hedged();
      await bench.store.heartbeat(['local-1'], 30_000, 40_000);
      expect(await bench.store.expired(50_000)).toEqual([{ run_id: id, attempt: 2 }]);
      await bench.store.heartbeat(['local-2'], 30_000, 45_000);
      expect(await bench.store.expired(70_001)).toEqual([{ run_id: id, attempt: 1 }]);
      expect((await bench.store.expired(1e9)).map(({ attempt }) => attempt)).toEqual([1, 2]);
      await finish(id, { attempt: 2, status: 'failed', outcome: lost });
      expect(await bench.store.expired(1e9)).toEqual([{ run_id: id, attempt: 1 }]);
    });

    it('counts what both have used', async () => {
      const id = await hedged();
      const usage = {
        calls: 1,
        input_tokens: 5,
        cached_input_tokens: 1,
        output_tokens: 2,
        reasoning_tokens: 0,
      };
      await bench.store.progress([{ run_id: id, attempt: 2, now: 1, usage }]);
      const [run] = await bench.store.progress([{ run_id: id, attempt: 1, now: 1, usage }]);
      expect(run?.usage).toMatchObject({ calls: 2, input_tokens: 10 });
    });
  });
}
