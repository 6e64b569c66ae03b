import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { everyone } from '../../../core/owners.ts';
import { claimOf, finishOf, handleOf, newRun } from '../../helpers/runs.ts';
import type { Bench } from './bench.ts';

/** What can be asked of a store. */
export function readingCases(bench: Bench): void {
  describe('reading', () => {
    it('gives every change of any run a higher seq, and news in that order', async () => {
      const first = await bench.created(newRun({ spec: { task_id: 'a' } }));
      const second = await bench.created(newRun({ spec: { task_id: 'b' } }));
      const other = await bench.created(newRun({ owner: 'joe', spec: { task_id: 'a' } }));
      expect(await bench.store.latestSeq()).toBe(other.seq);
      await bench.store.claim([claimOf(first.run_id)]);
      const news = await bench.store.select({ owner: 'jane', after_seq: 0, limit: 10 });
      expect(news.map((run) => run.run_id)).toEqual([second.run_id, first.run_id]);
      expect(news.map((run) => run.seq)).toEqual([second.seq, await bench.store.latestSeq()]);
      const after = await bench.store.select({ owner: 'jane', after_seq: second.seq, limit: 10 });
      expect(after.map((run) => run.run_id)).toEqual([first.run_id]);
      expect(await bench.store.select({ owner: 'jane', after_seq: 0, limit: 1 })).toEqual([second]);
    });

    it('selects and counts by ids, by task, by both, and by owner alone', async () => {
      const a = await bench.created(newRun({ spec: { task_id: 'a' } }));
      const b = await bench.created(newRun({ spec: { task_id: 'b' } }));
      const foreign = await bench.created(newRun({ owner: 'joe', spec: { task_id: 'a' } }));
      const ended = await bench.claimed(newRun({ spec: { task_id: 'a' } }));
      await bench.store.finish([finishOf(ended.run_id)]);
      async function found(scope: { run_ids?: string[]; task_id?: string }): Promise<[string[], number]> {
        const selection = { owner: 'jane', ...scope, after_seq: 0, limit: 10 };
        const { runs, open } = await bench.store.selectWithOpen(selection);
        expect(await bench.store.select(selection)).toEqual(runs);
        return [runs.map((run) => run.run_id), open];
      }
      expect(await found({})).toEqual([[a.run_id, b.run_id, ended.run_id], 2]);
      expect(await found({ task_id: 'a' })).toEqual([[a.run_id, ended.run_id], 1]);
      expect(await found({ run_ids: [b.run_id, foreign.run_id, a.run_id, b.run_id] })).toEqual([
        [a.run_id, b.run_id],
        2,
      ]);
      expect(await found({ run_ids: [b.run_id, ended.run_id], task_id: 'a' })).toEqual([[ended.run_id], 0]);
      expect(await found({ run_ids: [] })).toEqual([[], 0]);
    });

    it('selects and counts the same of all owners', async () => {
      const hers = await bench.created(newRun({ owner: 'jane', spec: { task_id: 'a' } }));
      const his = await bench.created(newRun({ owner: 'joe', spec: { task_id: 'a' } }));
      const other = await bench.created(newRun({ owner: 'joe', spec: { task_id: 'b' } }));
      async function found(scope: { run_ids?: string[]; task_id?: string }): Promise<[string[], number]> {
        const selection = { owner: everyone, ...scope, after_seq: 0, limit: 10 };
        const { runs, open } = await bench.store.selectWithOpen(selection);
        expect(await bench.store.select(selection)).toEqual(runs);
        return [runs.map((run) => run.run_id), open];
      }
      expect(await found({})).toEqual([[hers.run_id, his.run_id, other.run_id], 3]);
      expect(await found({ task_id: 'a' })).toEqual([[hers.run_id, his.run_id], 2]);
      expect(await found({ run_ids: [hers.run_id, other.run_id] })).toEqual([[hers.run_id, other.run_id], 2]);
      expect(await found({ run_ids: [other.run_id], task_id: 'a' })).toEqual([[], 0]);
    });

    it('counts as ended only what it tells the end of, while runs end', async () => {
      const made = await bench.store.submit(Array.from({ length: 60 }, () => newRun()));
      const ids = made.map((each) => (each.kind === 'created' ? each.run.run_id : ''));
      await bench.store.claim(ids.map((id) => claimOf(id)));
      let ending = true;
      const ended = Promise.all(
        ids.map(async (id, at) => {
          // Some in one commit, some in the next.
          await delay(at % 20);
          await bench.store.finish([finishOf(id)]);
        }),
      ).finally(() => (ending = false));
      while (ending) {
        const { runs, open } = await bench.store.selectWithOpen({ owner: 'jane', after_seq: 0, limit: 100 });
        expect(runs.filter((run) => run.ended_at === undefined).length).toBe(open);
        await setImmediate();
      }
      await ended;
    });

    it('finds a handle with its run and owner', async () => {
      const { run_id: id } = await bench.claimed();
      const handle = handleOf();
      await bench.store.progress([{ run_id: id, attempt: 1, now: 1, handles: [handle] }]);
      expect(await bench.store.findHandle(handle.handle_id)).toEqual({ run_id: id, owner: 'jane', handle });
      expect(await bench.store.findHandle(handleOf().handle_id)).toBeUndefined();
      expect(await bench.store.get(newRun().run_id)).toBeUndefined();
    });

    it('lists more open runs than one page holds, whole and by arrival', async () => {
      const runs = Array.from({ length: 450 }, () => newRun());
      await bench.store.submit(runs);
      await bench.store.claim(runs.slice(200, 210).map((run) => claimOf(run.run_id)));
      await bench.store.cancel(
        runs.slice(0, 50).map((run) => run.run_id),
        1,
      );
      const open = await bench.store.open();
      expect(open.map((run) => run.run_id)).toEqual(runs.slice(50).map((run) => run.run_id));
      expect(open.filter((run) => run.attempts.length === 1)).toHaveLength(10);
    });

    it('knows the runs that ended of those that came last', async () => {
      const runs = Array.from({ length: 6 }, () => newRun());
      await bench.store.submit(runs);
      await bench.store.cancel(
        [0, 2, 3].map((at) => runs[at]?.run_id ?? ''),
        1,
      );
      expect((await bench.store.lately(4)).map((run) => run.run_id)).toEqual([
        runs[2]?.run_id,
        runs[3]?.run_id,
      ]);
      expect(await bench.store.lately(6)).toHaveLength(3);
    });

    it('answers empty calls without a change', async () => {
      expect(await bench.store.submit([])).toEqual([]);
      expect(await bench.store.claim([])).toEqual([]);
      expect(await bench.store.cancel([], 1)).toEqual([]);
      await bench.store.heartbeat([], 1, 1);
      expect(await bench.store.latestSeq()).toBe(0);
    });
  });
}
