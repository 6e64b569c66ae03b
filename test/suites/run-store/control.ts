import { describe, expect, it } from 'vitest';
import { claimOf, finishOf, newRun } from '../../helpers/runs.ts';
import type { Bench } from './bench.ts';

/** What is done to runs from outside their workers. */
export function controlCases(bench: Bench): void {
  describe('end', () => {
    it('ends what no worker has, and nothing else', async () => {
      const pending = await bench.created();
      const heldBack = await bench.created();
      await bench.store.hold(heldBack.run_id, true, 1500);
      const running = await bench.claimed();
      const ids = [pending, heldBack, running].map(({ run_id: id }) => id);
      const outcome = { kind: 'limit', which: 'tokens' } as const;
      const ends = ids.map((run_id) => ({ run_id, now: 5000, outcome, error: 'spent' }));
      const [first, second, third] = await bench.store.end(ends);
      for (const record of [first, second])
        expect(record).toMatchObject({ status: 'failed', ended_at: 5000, outcome, error: 'spent' });
      expect(third).toBeUndefined();
      expect(await bench.stored(pending.run_id)).toEqual(first);
      expect(await bench.store.end(ends)).toEqual([undefined, undefined, undefined]);
      expect((await bench.stored(running.run_id)).status).toBe('running');
    });
  });

  describe('cancel', () => {
    it('ends at once what no worker has', async () => {
      const pending = await bench.created();
      const heldBack = await bench.created();
      await bench.store.hold(heldBack.run_id, true, 1500);
      const ended = await bench.store.cancel([pending.run_id, heldBack.run_id], 5000);
      for (const record of ended)
        expect(record).toMatchObject({
          status: 'cancelled',
          ended_at: 5000,
          outcome: { kind: 'cancelled' },
          cancel_requested: false,
        });
      expect(await bench.store.claim([claimOf(pending.run_id)])).toEqual([undefined]);
      expect(await bench.stored(pending.run_id)).toEqual(ended[0]);
    });

    it('keeps why, and says so in the outcome whenever the run ends cancelled', async () => {
      const waiting = await bench.created();
      const running = await bench.claimed();
      const back = await bench.claimed();
      const ids = [waiting, running, back].map(({ run_id: id }) => id);
      const [atOnce, asked] = await bench.store.cancel(ids, 5000, 'no need');
      const outcome = { kind: 'cancelled', reason: 'no need' } as const;
      expect(atOnce?.outcome).toEqual(outcome);
      expect(asked).toMatchObject({ cancel_requested: true, cancel_reason: 'no need' });
      expect(await bench.stored(running.run_id)).toEqual(asked);
      const end = finishOf(running.run_id, { status: 'cancelled', outcome: { kind: 'cancelled' } });
      expect((await bench.store.finish([end]))[0]?.outcome).toEqual(outcome);
      const spawn = { kind: 'spawn', errno: 'E' } as const;
      const requeue = { run_id: back.run_id, attempt: 1, now: 6000, outcome: spawn };
      expect((await bench.store.requeue([requeue]))[0]?.outcome).toEqual(outcome);
    });

    it('asks a worker for the others, once', async () => {
      const { run_id: id } = await bench.claimed();
      const [asked] = await bench.store.cancel([id], 5000);
      expect(asked).toMatchObject({ status: 'running', cancel_requested: true });
      expect(await bench.store.cancel([id], 6000)).toEqual([asked]);
      const [end] = await bench.store.finish([
        finishOf(id, { status: 'cancelled', outcome: { kind: 'cancelled' } }),
      ]);
      expect(end).toMatchObject({ status: 'cancelled', cancel_requested: true });
    });

    it('leaves terminal runs as they are, and does not know the unknown', async () => {
      const { run_id: id } = await bench.claimed();
      const [end] = await bench.store.finish([finishOf(id)]);
      expect(await bench.store.cancel([id, newRun().run_id], 9999)).toEqual([end, undefined]);
    });

    it('is not forgotten when the worker is lost: the run ends instead of being queued again', async () => {
      const { run_id: id } = await bench.claimed();
      await bench.store.cancel([id], 5000);
      const lost = { kind: 'lost', resumable: true } as const;
      const [end] = await bench.store.requeue([{ run_id: id, attempt: 1, now: 6000, outcome: lost }]);
      expect(end).toMatchObject({ status: 'cancelled', ended_at: 6000, outcome: { kind: 'cancelled' } });
      expect(end?.attempts).toMatchObject([{ outcome: lost, ended_at: 6000 }]);
      expect(await bench.stored(id)).toEqual(end);
    });
  });

  describe('drain', () => {
    it('is remembered until it is taken back, and twice is once', async () => {
      expect(await bench.store.drained()).toEqual([]);
      await bench.store.drain('local-2', true);
      await bench.store.drain('local-1', true);
      await bench.store.drain('local-1', true);
      expect(await bench.store.drained()).toEqual(['local-1', 'local-2']);
      await bench.store.drain('local-2', false);
      await bench.store.drain('local-3', false);
      expect(await bench.store.drained()).toEqual(['local-1']);
    });
  });

  describe('hold', () => {
    it('keeps a pending run from being claimed until it is let go, and twice is once', async () => {
      const { run_id: id } = await bench.created();
      const heldBack = await bench.store.hold(id, true, 1);
      expect(heldBack?.status).toBe('paused');
      expect(await bench.store.hold(id, true, 2)).toEqual(heldBack);
      expect(await bench.store.claim([claimOf(id)])).toEqual([undefined]);
      expect((await bench.store.hold(id, false, 3))?.status).toBe('pending');
      expect((await bench.store.claim([claimOf(id)]))[0]?.status).toBe('running');
    });

    it('is refused for a run a worker has, an ended one and an unknown one', async () => {
      const { run_id: id } = await bench.claimed();
      expect(await bench.store.hold(id, true, 1)).toBeUndefined();
      await bench.store.progress([{ run_id: id, attempt: 1, now: 1, status: 'paused' }]);
      expect(await bench.store.hold(id, false, 1)).toBeUndefined();
      expect((await bench.stored(id)).status).toBe('paused');
      await bench.store.finish([finishOf(id)]);
      expect(await bench.store.hold(id, true, 1)).toBeUndefined();
      expect(await bench.store.hold(newRun().run_id, true, 1)).toBeUndefined();
    });
  });

  describe('leases', () => {
    it('run out, are extended by worker, and end with their attempt', async () => {
      const [one, two, three] = [
        await bench.claimed(newRun(), 'local-1'),
        await bench.claimed(newRun(), 'local-2'),
        await bench.claimed(newRun(), 'local-1'),
      ];
      expect(await bench.store.expired(32_000)).toEqual([]);
      const all = [one, two, three].map(({ run_id: id }) => ({ run_id: id, attempt: 1 }));
      expect(await bench.store.expired(32_001)).toEqual(all);
      const seq = await bench.store.latestSeq();
      await bench.store.heartbeat(['local-1', 'local-3'], 30_000, 40_000);
      expect(await bench.store.latestSeq()).toBe(seq);
      expect(await bench.store.expired(40_000)).toEqual([{ run_id: two.run_id, attempt: 1 }]);
      await bench.store.finish([finishOf(one.run_id)]);
      const outcome = { kind: 'lost', resumable: true } as const;
      await bench.store.requeue([{ run_id: two.run_id, attempt: 1, now: 50_000, outcome }]);
      expect(await bench.store.expired(1e9)).toEqual([{ run_id: three.run_id, attempt: 1 }]);
      await bench.store.claim([claimOf(two.run_id, { now: 60_000, worker: 'local-2' })]);
      expect(await bench.store.expired(95_000)).toEqual([
        { run_id: two.run_id, attempt: 2 },
        { run_id: three.run_id, attempt: 1 },
      ]);
    });

    it('also hold for runs that are paused or wait for an answer', async () => {
      const { run_id: id } = await bench.claimed();
      await bench.store.progress([{ run_id: id, attempt: 1, now: 1, status: 'paused' }]);
      expect(await bench.store.expired(32_001)).toEqual([{ run_id: id, attempt: 1 }]);
      await bench.store.heartbeat(['local-1'], 30_000, 40_000);
      expect(await bench.store.expired(70_000)).toEqual([]);
    });
  });
}
