import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewRun, RunRecord, RunStore, Submitted } from '../../coordinator/store/run-store.ts';
import { runRecord } from '../helpers/run-record.ts';
import { claimOf, finishOf, handleOf, newRun } from '../helpers/runs.ts';

export interface StoreUnderTest {
  store: RunStore;
  /** Closes the store and removes what it kept. */
  end(): Promise<void>;
}

/** What every RunStore promises. */
export function runStoreSuite(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a run store`, () => {
    let under: StoreUnderTest;
    let store: RunStore;

    beforeEach(async () => {
      under = await open();
      ({ store } = under);
    });
    afterEach(async () => {
      await under.end();
    });

    async function created(run: NewRun = newRun()): Promise<RunRecord> {
      const [submitted] = await store.submit([run]);
      return runOf(submitted);
    }
    async function claimed(run?: NewRun, worker = 'local-1'): Promise<RunRecord> {
      const { run_id: id } = await created(run);
      const [record] = await store.claim([claimOf(id, { worker })]);
      return present(record);
    }
    async function stored(id: string): Promise<RunRecord> {
      const record = present(await store.get(id));
      runRecord.parse(record);
      return record;
    }

    describe('submit', () => {
      it('keeps a run exactly as it was accepted', async () => {
        const run = newRun({
          spec: {
            stages: ['a', 'b'],
            inputs: { n: 1.5, flag: true, text: '"quoted"\n\u0000 ünïcødé 🙂' },
            label: 'label',
            request_key: 'key',
            model: 'm',
            effort: 'high',
            ask: true,
            output_schema: { type: 'object', properties: { a: { type: ['string', 'null'] } } },
            wall_ms: 1000,
            output_bytes: 2 ** 40,
          },
        });
        const record = await created(run);
        expect(record).toMatchObject({
          run_id: run.run_id,
          owner: 'jane',
          spec: run.spec,
          status: 'pending',
        });
        expect(record).toMatchObject({
          accepted_at: 1000,
          attempts: [],
          handles: [],
          cancel_requested: false,
        });
        expect(await stored(run.run_id)).toEqual(record);
      });

      it('keeps the order of arrival, within a batch and between batches', async () => {
        const runs = Array.from({ length: 5 }, () => newRun());
        await Promise.all([store.submit(runs.slice(0, 3)), store.submit(runs.slice(3))]);
        expect((await store.open()).map((run) => run.run_id)).toEqual(runs.map((run) => run.run_id));
      });

      it('answers the same run for the same key and spec, whatever the order of its fields', async () => {
        const first = await created(newRun({ spec: { request_key: 'k', inputs: { a: 1, b: 2 } } }));
        const [again] = await store.submit([newRun({ spec: { inputs: { b: 2, a: 1 }, request_key: 'k' } })]);
        expect(again).toEqual({ kind: 'existing', run: first });
        expect(await store.open()).toHaveLength(1);
      });

      it('answers the same run for its key after it has ended', async () => {
        const run = newRun({ spec: { request_key: 'k' } });
        await claimed(run);
        await store.finish([finishOf(run.run_id)]);
        const [again] = await store.submit([newRun({ spec: { request_key: 'k' } })]);
        expect(again).toMatchObject({ kind: 'existing', run: { run_id: run.run_id, status: 'completed' } });
      });

      it('has keys apart for each owner', async () => {
        await created(newRun({ spec: { request_key: 'k' } }));
        const [other] = await store.submit([
          newRun({ owner: 'joe', spec: { request_key: 'k', prompt: 'x' } }),
        ]);
        expect(other?.kind).toBe('created');
      });

      it('creates nothing of a batch with a conflict in it', async () => {
        const { run_id: id } = await created(newRun({ spec: { request_key: 'k' } }));
        const seq = await store.latestSeq();
        const answers = await store.submit([
          newRun({ spec: { request_key: 'new' } }),
          newRun({ spec: { request_key: 'k' } }),
          newRun({ spec: { request_key: 'k', prompt: 'another' } }),
          newRun(),
        ]);
        expect(answers.map((answer) => answer.kind)).toEqual([
          'withheld',
          'existing',
          'conflict',
          'withheld',
        ]);
        expect(answers[2]).toEqual({ kind: 'conflict', run_id: id });
        expect(await store.open()).toHaveLength(1);
        expect(await store.latestSeq()).toBe(seq);
        const [later] = await store.submit([newRun({ spec: { request_key: 'new', prompt: 'free' } })]);
        expect(later?.kind).toBe('created');
      });

      it('starts one run for one key twice in a batch, and none for two specs under it', async () => {
        const twin = { spec: { request_key: 'twin' } };
        const [one, two] = await store.submit([newRun(twin), newRun(twin)]);
        expect([one?.kind, two?.kind]).toEqual(['created', 'existing']);
        expect(runOf(two)).toEqual(runOf(one));

        const pair = [
          newRun({ spec: { request_key: 'pair' } }),
          newRun({ spec: { request_key: 'pair', prompt: 'other' } }),
          newRun({ spec: { request_key: 'pair' } }),
        ];
        expect(await store.submit(pair)).toEqual([
          { kind: 'withheld' },
          { kind: 'conflict', run_id: pair[0]?.run_id },
          { kind: 'withheld' },
        ]);
        expect(await store.open()).toHaveLength(1);
      });

      it('gives 100 callers at once with one key one run', async () => {
        const calls = Array.from({ length: 100 }, () =>
          store.submit([newRun({ spec: { request_key: 'k' } })]),
        );
        const answers = (await Promise.all(calls)).flat();
        expect(answers.filter((answer) => answer.kind === 'created')).toHaveLength(1);
        expect(new Set(answers.map((answer) => runOf(answer).run_id)).size).toBe(1);
      });

      it('refuses a run id it has, creates nothing else of that batch and goes on', async () => {
        const run = newRun();
        await created(run);
        const other = newRun({ spec: { request_key: 'k' } });
        const failed = store.submit([other, run]);
        const [fine] = await store.submit([newRun()]);
        await expect(failed).rejects.toMatchObject({ name: 'FleetError', code: 'INTERNAL' });
        expect(fine?.kind).toBe('created');
        expect(await store.get(other.run_id)).toBeUndefined();
        expect((await store.submit([newRun({ spec: { request_key: 'k', prompt: 'x' } })]))[0]?.kind).toBe(
          'created',
        );
      });

      it('is not reached by what a caller does to its objects afterwards', async () => {
        const run = newRun();
        const record = await created(run);
        run.spec.prompt = 'changed';
        record.attempts.length = 1;
        record.spec.task_id = 'changed';
        expect(await stored(run.run_id)).toMatchObject({
          spec: { prompt: 'Fix the failing test', task_id: 'task' },
          attempts: [],
        });
      });
    });

    describe('claim', () => {
      it('turns pending into running with attempt 1, and the next after a requeue into attempt 2', async () => {
        const { run_id: id } = await created();
        const [first] = await store.claim([claimOf(id)]);
        expect(first).toMatchObject({ status: 'running', first_claimed_at: 2000 });
        expect(first?.attempts).toMatchObject([
          { attempt: 1, boot_id: 'boot-1', claimed_at: 2000, notes: [] },
        ]);
        const lost = { kind: 'lost', resumable: true } as const;
        await store.requeue([{ run_id: id, attempt: 1, now: 3000, outcome: lost }]);
        const [second] = await store.claim([
          claimOf(id, { now: 4000, worker: 'local-2', boot_id: 'boot-2' }),
        ]);
        expect(second).toMatchObject({ status: 'running', first_claimed_at: 2000 });
        expect(second?.attempts).toMatchObject([
          { attempt: 1, ended_at: 3000, outcome: lost, placement: { worker_id: 'local-1' } },
          { attempt: 2, claimed_at: 4000, placement: { worker_id: 'local-2' }, boot_id: 'boot-2' },
        ]);
        expect(await stored(id)).toEqual(second);
      });

      it('answers undefined for a run that is not pending or not there, and changes nothing', async () => {
        const record = await claimed();
        const unknown = newRun().run_id;
        expect(await store.claim([claimOf(record.run_id), claimOf(unknown)])).toEqual([undefined, undefined]);
        expect(await stored(record.run_id)).toEqual(record);
      });

      it('gives a run to one of two claims of one batch', async () => {
        const { run_id: id } = await created();
        const [one, two] = await store.claim([claimOf(id), claimOf(id, { worker: 'local-2' })]);
        expect([one?.attempts.length, two]).toEqual([1, undefined]);
      });

      it('sees what was submitted in the same turn', async () => {
        const run = newRun();
        const submitted = store.submit([run]);
        const [record] = await store.claim([claimOf(run.run_id)]);
        expect((await submitted)[0]?.kind).toBe('created');
        expect(record?.status).toBe('running');
      });
    });

    describe('progress', () => {
      it('keeps everything a worker tells', async () => {
        const { run_id: id } = await claimed();
        const handle = handleOf();
        const usage = {
          calls: 1,
          input_tokens: 10,
          cached_input_tokens: 2,
          output_tokens: 3,
          reasoning_tokens: 1,
        };
        const decision = { at: 1, asked: 'rm', answer: 'declined', by: 'policy' } as const;
        const question = { kind: 'command', text: 'npm test?' } as const;
        const told = {
          remote_run_id: newRun().run_id,
          started_at: 2100,
          first_output_at: 2200,
          engine_thread_id: 'thread',
          reaping: 'cgroup',
        };
        const [record] = await store.progress([
          {
            run_id: id,
            attempt: 1,
            now: 2300,
            status: 'input_required',
            ...told,
            notes: ['a note'],
            handles: [handle],
            usage,
            question,
            decisions: [decision],
            preview: 'so far',
          },
        ]);
        expect(record).toMatchObject({
          status: 'input_required',
          first_output_at: 2200,
          usage,
          question,
          preview: 'so far',
        });
        expect(record).toMatchObject({ handles: [handle], decisions: [decision] });
        expect(record?.attempts[0]).toMatchObject({ ...told, notes: ['a note'] });
        expect(await stored(id)).toEqual(record);
      });

      it('leaves what a report does not mention, and drops a question by null', async () => {
        const { run_id: id } = await claimed();
        const fence = { run_id: id, attempt: 1, now: 3000 };
        const question = { kind: 'question', text: 'Which?' } as const;
        await store.progress([
          { ...fence, status: 'input_required', question, engine_thread_id: 't', preview: 'p' },
        ]);
        const [kept] = await store.progress([{ ...fence, started_at: 2100 }]);
        expect(kept).toMatchObject({ status: 'input_required', question, preview: 'p' });
        expect(kept?.attempts[0]).toMatchObject({ engine_thread_id: 't', started_at: 2100 });
        const [answered] = await store.progress([{ ...fence, status: 'running', question: null }]);
        expect(answered?.question).toBeUndefined();
        expect((await stored(id)).question).toBeUndefined();
      });

      it('takes the same report twice as once: handles by id, notes and decisions where new', async () => {
        const { run_id: id } = await claimed();
        const decision = { at: 1, asked: 'ls', answer: 'accepted', by: 'policy' } as const;
        const [a, b] = [handleOf(), handleOf({ stream: 'stderr' })];
        const report = { run_id: id, attempt: 1, now: 1, notes: ['n', 'n'], decisions: [decision, decision] };
        await store.progress([{ ...report, handles: [a] }]);
        const sealed = { ...a, state: 'sealed', bytes: 99, sha256: 'f'.repeat(64), truncated: true } as const;
        const [record] = await store.progress([{ ...report, handles: [b, sealed] }]);
        expect(record).toMatchObject({ handles: [sealed, b], decisions: [decision] });
        expect(record?.attempts[0]?.notes).toEqual(['n']);
        expect((await stored(id)).handles).toEqual([sealed, b]);
      });

      it('takes several reports about one run in one call', async () => {
        const { run_id: id } = await claimed();
        const fence = { run_id: id, attempt: 1, now: 1 };
        const [one, two] = await store.progress([
          { ...fence, status: 'paused' },
          { ...fence, status: 'running', preview: 'p' },
        ]);
        expect([one?.status, two?.status, two?.preview]).toEqual(['paused', 'running', 'p']);
        expect(await stored(id)).toEqual(two);
      });

      it('leaves out handles that belong to another run', async () => {
        const handle = handleOf();
        const victim = await claimed();
        await store.progress([{ run_id: victim.run_id, attempt: 1, now: 1, handles: [handle] }]);
        const thief = await claimed(newRun({ owner: 'joe' }));
        const own = handleOf();
        const forged = { ...handle, worker_id: 'local-9' };
        const [record] = await store.finish([finishOf(thief.run_id, { handles: [forged, own] })]);
        expect(record?.handles).toEqual([own]);
        expect(await store.findHandle(handle.handle_id)).toMatchObject({ run_id: victim.run_id, handle });
      });
    });

    describe('fences', () => {
      const lost = { kind: 'lost', resumable: false } as const;

      it.each([
        ['an earlier attempt', 1],
        ['an attempt that never was', 3],
      ])('let %s change nothing', async (_which, attempt) => {
        const { run_id: id } = await claimed();
        await store.requeue([{ run_id: id, attempt: 1, now: 3000, outcome: lost }]);
        await store.claim([claimOf(id, { worker: 'local-2' })]);
        const before = await stored(id);
        const fence = { run_id: id, attempt, now: 4000 };
        expect(await store.progress([{ ...fence, status: 'paused', handles: [handleOf()] }])).toEqual([
          undefined,
        ]);
        expect(await store.finish([finishOf(id, fence)])).toEqual([undefined]);
        expect(await store.requeue([{ ...fence, outcome: lost }])).toEqual([undefined]);
        expect(await stored(id)).toEqual(before);
        expect(await store.latestSeq()).toBe(before.seq);
      });

      it('let the latest attempt change nothing once it was taken from its worker', async () => {
        const { run_id: id } = await claimed();
        const [before] = await store.requeue([{ run_id: id, attempt: 1, now: 3000, outcome: lost }]);
        expect(before?.status).toBe('pending');
        expect(await store.finish([finishOf(id)])).toEqual([undefined]);
        expect(await store.progress([{ run_id: id, attempt: 1, now: 1, status: 'running' }])).toEqual([
          undefined,
        ]);
        expect(await stored(id)).toEqual(before);
      });

      it('let nothing change after the end, nor before a claim', async () => {
        const { run_id: id } = await claimed();
        const [end] = await store.finish([finishOf(id)]);
        expect(await store.finish([finishOf(id, { status: 'failed' })])).toEqual([undefined]);
        expect(await store.requeue([{ run_id: id, attempt: 1, now: 1, outcome: lost }])).toEqual([undefined]);
        expect(await stored(id)).toEqual(end);
        const pending = await created();
        expect(await store.finish([finishOf(pending.run_id, { attempt: 0 })])).toEqual([undefined]);
        expect(await store.finish([finishOf(newRun().run_id)])).toEqual([undefined]);
      });
    });

    describe('finish', () => {
      it('ends run and attempt with everything that is known of it', async () => {
        const { run_id: id } = await claimed();
        const fence = { run_id: id, attempt: 1, now: 3000 };
        const early = handleOf();
        const question = { kind: 'question', text: '?' } as const;
        await store.progress([
          { ...fence, handles: [early], preview: 'early', status: 'input_required', question },
        ]);
        const late = handleOf({ stream: 'stderr', state: 'sealed', sha256: 'a'.repeat(64) });
        const outcome = { kind: 'signal', signal: 'SIGKILL' } as const;
        const [end] = await store.finish([
          finishOf(id, { status: 'failed', outcome, handles: [late], error: 'killed', notes: ['n'] }),
        ]);
        expect(end).toMatchObject({
          status: 'failed',
          outcome,
          error: 'killed',
          ended_at: 9000,
          preview: 'early',
          handles: [early, late],
        });
        expect(end?.question).toBeUndefined();
        expect(end?.attempts).toMatchObject([{ ended_at: 9000, outcome, notes: ['n'] }]);
        expect(await stored(id)).toEqual(end);
        expect(await store.open()).toEqual([]);
      });
    });

    describe('cancel', () => {
      it('ends at once what no worker has', async () => {
        const pending = await created();
        const heldBack = await created();
        await store.hold(heldBack.run_id, true, 1500);
        const ended = await store.cancel([pending.run_id, heldBack.run_id], 5000);
        for (const record of ended)
          expect(record).toMatchObject({
            status: 'cancelled',
            ended_at: 5000,
            outcome: { kind: 'cancelled' },
            cancel_requested: false,
          });
        expect(await store.claim([claimOf(pending.run_id)])).toEqual([undefined]);
        expect(await stored(pending.run_id)).toEqual(ended[0]);
      });

      it('asks a worker for the others, once', async () => {
        const { run_id: id } = await claimed();
        const [asked] = await store.cancel([id], 5000);
        expect(asked).toMatchObject({ status: 'running', cancel_requested: true });
        expect(await store.cancel([id], 6000)).toEqual([asked]);
        const [end] = await store.finish([
          finishOf(id, { status: 'cancelled', outcome: { kind: 'cancelled' } }),
        ]);
        expect(end).toMatchObject({ status: 'cancelled', cancel_requested: true });
      });

      it('leaves terminal runs as they are, and does not know the unknown', async () => {
        const { run_id: id } = await claimed();
        const [end] = await store.finish([finishOf(id)]);
        expect(await store.cancel([id, newRun().run_id], 9999)).toEqual([end, undefined]);
      });

      it('is not forgotten when the worker is lost: the run ends instead of being queued again', async () => {
        const { run_id: id } = await claimed();
        await store.cancel([id], 5000);
        const lost = { kind: 'lost', resumable: true } as const;
        const [end] = await store.requeue([{ run_id: id, attempt: 1, now: 6000, outcome: lost }]);
        expect(end).toMatchObject({ status: 'cancelled', ended_at: 6000, outcome: { kind: 'cancelled' } });
        expect(end?.attempts).toMatchObject([{ outcome: lost, ended_at: 6000 }]);
        expect(await stored(id)).toEqual(end);
      });
    });

    describe('hold', () => {
      it('keeps a pending run from being claimed until it is let go, and twice is once', async () => {
        const { run_id: id } = await created();
        const heldBack = await store.hold(id, true, 1);
        expect(heldBack?.status).toBe('paused');
        expect(await store.hold(id, true, 2)).toEqual(heldBack);
        expect(await store.claim([claimOf(id)])).toEqual([undefined]);
        expect((await store.hold(id, false, 3))?.status).toBe('pending');
        expect((await store.claim([claimOf(id)]))[0]?.status).toBe('running');
      });

      it('is refused for a run a worker has, an ended one and an unknown one', async () => {
        const { run_id: id } = await claimed();
        expect(await store.hold(id, true, 1)).toBeUndefined();
        await store.progress([{ run_id: id, attempt: 1, now: 1, status: 'paused' }]);
        expect(await store.hold(id, false, 1)).toBeUndefined();
        expect((await stored(id)).status).toBe('paused');
        await store.finish([finishOf(id)]);
        expect(await store.hold(id, true, 1)).toBeUndefined();
        expect(await store.hold(newRun().run_id, true, 1)).toBeUndefined();
      });
    });

    describe('leases', () => {
      it('run out, are extended by worker, and end with their attempt', async () => {
        const [one, two, three] = [
          await claimed(newRun(), 'local-1'),
          await claimed(newRun(), 'local-2'),
          await claimed(newRun(), 'local-1'),
        ];
        expect(await store.expired(32_000)).toEqual([]);
        const all = [one, two, three].map(({ run_id: id }) => ({ run_id: id, attempt: 1 }));
        expect(await store.expired(32_001)).toEqual(all);
        const seq = await store.latestSeq();
        await store.heartbeat(['local-1', 'local-3'], 30_000, 40_000);
        expect(await store.latestSeq()).toBe(seq);
        expect(await store.expired(40_000)).toEqual([{ run_id: two.run_id, attempt: 1 }]);
        await store.finish([finishOf(one.run_id)]);
        const outcome = { kind: 'lost', resumable: true } as const;
        await store.requeue([{ run_id: two.run_id, attempt: 1, now: 50_000, outcome }]);
        expect(await store.expired(1e9)).toEqual([{ run_id: three.run_id, attempt: 1 }]);
        await store.claim([claimOf(two.run_id, { now: 60_000, worker: 'local-2' })]);
        expect(await store.expired(95_000)).toEqual([
          { run_id: two.run_id, attempt: 2 },
          { run_id: three.run_id, attempt: 1 },
        ]);
      });

      it('also hold for runs that are paused or wait for an answer', async () => {
        const { run_id: id } = await claimed();
        await store.progress([{ run_id: id, attempt: 1, now: 1, status: 'paused' }]);
        expect(await store.expired(32_001)).toEqual([{ run_id: id, attempt: 1 }]);
        await store.heartbeat(['local-1'], 30_000, 40_000);
        expect(await store.expired(70_000)).toEqual([]);
      });
    });

    describe('reading', () => {
      it('gives every change of any run a higher seq, and news in that order', async () => {
        const first = await created(newRun({ spec: { task_id: 'a' } }));
        const second = await created(newRun({ spec: { task_id: 'b' } }));
        const other = await created(newRun({ owner: 'joe', spec: { task_id: 'a' } }));
        expect(await store.latestSeq()).toBe(other.seq);
        await store.claim([claimOf(first.run_id)]);
        const news = await store.select({ owner: 'jane', after_seq: 0, limit: 10 });
        expect(news.map((run) => run.run_id)).toEqual([second.run_id, first.run_id]);
        expect(news.map((run) => run.seq)).toEqual([second.seq, await store.latestSeq()]);
        const after = await store.select({ owner: 'jane', after_seq: second.seq, limit: 10 });
        expect(after.map((run) => run.run_id)).toEqual([first.run_id]);
        expect(await store.select({ owner: 'jane', after_seq: 0, limit: 1 })).toEqual([second]);
      });

      it('selects and counts by ids, by task, by both, and by owner alone', async () => {
        const a = await created(newRun({ spec: { task_id: 'a' } }));
        const b = await created(newRun({ spec: { task_id: 'b' } }));
        const foreign = await created(newRun({ owner: 'joe', spec: { task_id: 'a' } }));
        const ended = await claimed(newRun({ spec: { task_id: 'a' } }));
        await store.finish([finishOf(ended.run_id)]);
        async function found(scope: { run_ids?: string[]; task_id?: string }): Promise<[string[], number]> {
          const runs = await store.select({ owner: 'jane', ...scope, after_seq: 0, limit: 10 });
          return [runs.map((run) => run.run_id), await store.countOpen({ owner: 'jane', ...scope })];
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

      it('finds a handle with its run and owner', async () => {
        const { run_id: id } = await claimed();
        const handle = handleOf();
        await store.progress([{ run_id: id, attempt: 1, now: 1, handles: [handle] }]);
        expect(await store.findHandle(handle.handle_id)).toEqual({ run_id: id, owner: 'jane', handle });
        expect(await store.findHandle(handleOf().handle_id)).toBeUndefined();
        expect(await store.get(newRun().run_id)).toBeUndefined();
      });

      it('lists more open runs than one page holds, whole and by arrival', async () => {
        const runs = Array.from({ length: 450 }, () => newRun());
        await store.submit(runs);
        await store.claim(runs.slice(200, 210).map((run) => claimOf(run.run_id)));
        await store.cancel(
          runs.slice(0, 50).map((run) => run.run_id),
          1,
        );
        const open = await store.open();
        expect(open.map((run) => run.run_id)).toEqual(runs.slice(50).map((run) => run.run_id));
        expect(open.filter((run) => run.attempts.length === 1)).toHaveLength(10);
      });

      it('answers empty calls without a change', async () => {
        expect(await store.submit([])).toEqual([]);
        expect(await store.claim([])).toEqual([]);
        expect(await store.cancel([], 1)).toEqual([]);
        await store.heartbeat([], 1, 1);
        expect(await store.latestSeq()).toBe(0);
      });
    });

    it('keeps what was asked before close, and refuses what comes after it', async () => {
      const last = store.submit([newRun()]);
      await store.close();
      await store.close();
      expect((await last)[0]?.kind).toBe('created');
      await expect(store.submit([newRun()])).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
      await expect(store.get('run_x')).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    });
  });
}

function runOf(submitted: Submitted | undefined): RunRecord {
  if (submitted?.kind !== 'created' && submitted?.kind !== 'existing') {
    throw new Error(`Neither created nor there: ${submitted?.kind}`);
  }
  return submitted.run;
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('Expected a value');
  return value;
}
