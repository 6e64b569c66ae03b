import { describe, expect, it } from 'vitest';
import { claimOf, finishOf, handleOf, newRun } from '../../helpers/runs.ts';
import type { Bench } from './bench.ts';

/** Runs that are no longer kept. */
export function forgetCases(bench: Bench): void {
  async function ended(
    at: number,
    { bytes = [3], ...spec }: { bytes?: number[] } & Parameters<typeof newRun>[0] = {},
  ) {
    const run = await bench.claimed(newRun(spec), 'local-1');
    const handles = bytes.map((size) =>
      handleOf({ bytes: size, state: 'sealed', sha256: `sha of ${String(size)}` }),
    );
    await bench.store.finish([finishOf(run.run_id, { now: at, handles })]);
    return { id: run.run_id, handles };
  }

  describe('forget', () => {
    it('takes runs that have ended, with all that is theirs, and frees their keys', async () => {
      const spec = { request_key: 'key' };
      const { id, handles } = await ended(5_000, { spec });
      const [gone] = await bench.store.forget([id]);
      expect(gone?.run_id).toBe(id);
      expect(await bench.store.get(id)).toBeUndefined();
      expect(await bench.store.findHandle(handles[0]?.handle_id ?? '')).toBeUndefined();
      expect(await bench.store.select({ owner: 'jane', after_seq: 0, limit: 9 })).toEqual([]);
      const [again] = await bench.store.submit([newRun({ spec })]);
      expect(again?.kind).toBe('created');
      expect(await bench.store.forget([id])).toEqual([undefined]);
    });

    it('takes no run that goes on, and none there is not', async () => {
      const { run_id: open } = await bench.claimed();
      expect(await bench.store.forget([open, newRun().run_id])).toEqual([undefined, undefined]);
      expect((await bench.stored(open)).status).toBe('running');
      expect(await bench.store.owed()).toEqual([]);
    });

    it('leaves the news owed to each worker of the run until it is settled', async () => {
      const run = await bench.claimed(newRun(), 'local-2');
      const outcome = { kind: 'lost', resumable: false } as const;
      await bench.store.requeue([{ run_id: run.run_id, attempt: 1, now: 1, outcome }]);
      await bench.store.claim([claimOf(run.run_id, { worker: 'local-1' })]);
      await bench.store.finish([finishOf(run.run_id, { attempt: 2 })]);
      await bench.store.forget([run.run_id]);
      const owed = { run_id: run.run_id, attempts: 2 };
      expect(await bench.store.owed()).toEqual([
        { worker_id: 'local-1', ...owed },
        { worker_id: 'local-2', ...owed },
      ]);
      await bench.store.settle('local-1', [run.run_id, 'run_other']);
      expect(await bench.store.owed()).toEqual([{ worker_id: 'local-2', ...owed }]);
    });

    it('counts what was used against the budget of a task while that has runs', async () => {
      const spec = { task_id: 'dear', task_budget: { attempts: 5 } };
      const [one, two] = [await ended(5_000, { spec }), await ended(6_000, { spec })];
      await bench.store.forget([one.id]);
      expect(await bench.store.spentBefore('jane', 'dear')).toMatchObject({ attempts: 1 });
      expect(await bench.store.taskBudget('jane', 'dear')).toEqual({ attempts: 5 });
      await bench.store.forget([two.id]);
      expect(await bench.store.taskBudget('jane', 'dear')).toBeUndefined();
      expect(await bench.store.spentBefore('jane', 'dear')).toBeUndefined();
    });
  });

  describe('runs that have ended', () => {
    it('are told by when they ended, a page at a time, with what they hold', async () => {
      const [late, early, middle] = [
        await ended(9_000),
        await ended(7_000, { bytes: [3, 4] }),
        await ended(8_000),
      ];
      await bench.claimed();
      const first = await bench.store.ended({ until: 8_000, limit: 1 });
      expect(first).toMatchObject([{ run_id: early.id, ended_at: 7_000, handles: 2, bytes: 7 }]);
      const [after] = first;
      if (after === undefined) throw new Error('no run');
      const rest = await bench.store.ended({ until: 9_000, after, limit: 9 });
      expect(rest.map((run) => run.run_id)).toEqual([middle.id, late.id]);
      expect(await bench.store.storedBytes()).toBe(7);
      expect(await bench.store.storedBytesOf('jane', 'task')).toBe(7);
      expect(await bench.store.storedBytesOf('jane', 'other')).toBe(0);
    });

    it('share contents with others, or have them alone', async () => {
      const [one, two] = [await ended(1, { bytes: [3, 4, 4] }), await ended(2, { bytes: [3, 5] })];
      expect(await bench.store.contentsOnlyOf([one.id])).toEqual({ files: 1, bytes: 4 });
      expect(await bench.store.contentsOnlyOf([one.id, two.id])).toEqual({ files: 3, bytes: 12 });
      expect(await bench.store.firstOf('jane', 'task')).toMatchObject({ run_id: one.id });
    });
  });
}
