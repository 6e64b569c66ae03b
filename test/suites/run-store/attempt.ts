import { describe, expect, it } from 'vitest';
import { claimOf, finishOf, handleOf, newRun } from '../../helpers/runs.ts';
import type { Bench } from './bench.ts';

/** What a worker may change of a run, and when it may not. */
export function attemptCases(bench: Bench): void {
  describe('claim', () => {
    it('turns pending into running with attempt 1, and the next after a requeue into attempt 2', async () => {
      const { run_id: id } = await bench.created();
      const [first] = await bench.store.claim([claimOf(id)]);
      expect(first).toMatchObject({ status: 'running', first_claimed_at: 2000 });
      expect(first?.attempts).toMatchObject([{ attempt: 1, boot_id: 'boot-1', claimed_at: 2000, notes: [] }]);
      const lost = { kind: 'lost', resumable: true } as const;
      await bench.store.requeue([{ run_id: id, attempt: 1, now: 3000, outcome: lost }]);
      const [second] = await bench.store.claim([
        claimOf(id, { now: 4000, worker: 'local-2', boot_id: 'boot-2' }),
      ]);
      expect(second).toMatchObject({ status: 'running', first_claimed_at: 2000 });
      expect(second?.attempts).toMatchObject([
        { attempt: 1, ended_at: 3000, outcome: lost, placement: { worker_id: 'local-1' } },
        { attempt: 2, claimed_at: 4000, placement: { worker_id: 'local-2' }, boot_id: 'boot-2' },
      ]);
      expect(await bench.stored(id)).toEqual(second);
    });

    it('keeps what the attempt may use, and counts for each what it alone has used', async () => {
      const { run_id: id } = await bench.created();
      const reserved = { tokens: 100, turns: 3, wall_ms: 500 };
      const [first] = await bench.store.claim([claimOf(id, { reserved })]);
      expect(first?.attempts[0]?.reserved).toEqual(reserved);
      const told = (calls: number) => ({
        calls,
        input_tokens: 10 * calls,
        cached_input_tokens: calls,
        output_tokens: calls,
        reasoning_tokens: 0,
      });
      const progress = { run_id: id, now: 3000, remote_run_id: 'r' };
      await bench.store.progress([{ ...progress, attempt: 1, usage: told(2), active_ms: 40 }]);
      const lost = { kind: 'lost', resumable: true } as const;
      await bench.store.requeue([{ run_id: id, attempt: 1, now: 3000, outcome: lost }]);
      await bench.store.claim([claimOf(id, { reserved })]);
      // The same run there: what it tells begins with the first attempt.
      await bench.store.progress([{ ...progress, attempt: 2, usage: told(5), active_ms: 100 }]);
      await bench.store.requeue([{ run_id: id, attempt: 2, now: 4000, outcome: lost }]);
      await bench.store.claim([claimOf(id)]);
      // Another one begins anew.
      await bench.store.progress([{ ...progress, attempt: 3, remote_run_id: 's', usage: told(1) }]);
      const run = await bench.stored(id);
      expect(run.attempts.map(({ usage }) => usage?.calls)).toEqual([2, 3, 1]);
      expect(run.attempts.map(({ active_ms }) => active_ms)).toEqual([40, 60, undefined]);
      expect(run.usage).toEqual(told(6));
    });

    it('takes back how long a run was to wait, which is kept with the attempt before', async () => {
      const { run_id: id } = await bench.claimed();
      const retry = { why: 'rate_limit', delay_ms: 2_000, resumes: true } as const;
      const outcome = { kind: 'engine', code: 'rateLimitExceeded', message: '429' } as const;
      const end = { run_id: id, attempt: 1, now: 3000, outcome, retry, not_before: 5000 };
      const [waiting] = await bench.store.requeue([end]);
      expect(waiting).toMatchObject({ status: 'pending', not_before: 5000, attempts: [{ retry, outcome }] });
      expect(await bench.stored(id)).toEqual(waiting);
      expect((await bench.store.open()).find((run) => run.run_id === id)?.not_before).toBe(5000);
      expect((await bench.store.hold(id, true, 3500))?.not_before).toBe(5000);
      await bench.store.hold(id, false, 3600);
      const [again] = await bench.store.claim([claimOf(id, { now: 5000 })]);
      expect(again?.not_before).toBeUndefined();
      expect(again?.attempts[0]?.retry).toEqual(retry);
      expect(await bench.stored(id)).toEqual(again);
    });

    it('keeps when the run last gave a sign of life', async () => {
      const { run_id: id } = await bench.claimed();
      const fence = { run_id: id, attempt: 1, now: 2500 };
      const liveness = { last_event_at: 2400, last_output_at: 2300, stalled_at: 2500 };
      await bench.store.progress([{ ...fence, liveness }]);
      await bench.store.progress([fence]);
      expect((await bench.stored(id)).attempts).toMatchObject([{ liveness }]);
      await bench.store.progress([{ ...fence, liveness: { last_event_at: 2600 } }]);
      expect((await bench.stored(id)).attempts[0]?.liveness).toEqual({ last_event_at: 2600 });
    });

    it('leaves a handle with the attempt that put it out', async () => {
      const { run_id: id } = await bench.claimed();
      const first = handleOf();
      await bench.store.progress([{ run_id: id, attempt: 1, now: 2500, handles: [first] }]);
      const lost = { kind: 'lost', resumable: true } as const;
      await bench.store.requeue([{ run_id: id, attempt: 1, now: 3000, outcome: lost }]);
      await bench.store.claim([claimOf(id)]);
      const grown = { ...first, bytes: 99, attempt: 2 };
      const second = handleOf({ attempt: 2 });
      await bench.store.progress([{ run_id: id, attempt: 2, now: 4000, handles: [grown, second] }]);
      expect((await bench.stored(id)).handles).toEqual([{ ...grown, attempt: 1 }, second]);
    });

    it('answers undefined for a run that is not pending or not there, and changes nothing', async () => {
      const record = await bench.claimed();
      const unknown = newRun().run_id;
      expect(await bench.store.claim([claimOf(record.run_id), claimOf(unknown)])).toEqual([
        undefined,
        undefined,
      ]);
      expect(await bench.stored(record.run_id)).toEqual(record);
    });

    it('gives a run to one of two claims of one batch', async () => {
      const { run_id: id } = await bench.created();
      const [one, two] = await bench.store.claim([claimOf(id), claimOf(id, { worker: 'local-2' })]);
      expect([one?.attempts.length, two]).toEqual([1, undefined]);
    });

    it('sees what was submitted in the same turn', async () => {
      const run = newRun();
      const submitted = bench.store.submit([run]);
      const [record] = await bench.store.claim([claimOf(run.run_id)]);
      expect((await submitted)[0]?.kind).toBe('created');
      expect(record?.status).toBe('running');
    });
  });

  describe('progress', () => {
    it('keeps everything a worker tells', async () => {
      const { run_id: id } = await bench.claimed();
      const handle = handleOf({ reused_bytes: 7 });
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
        degraded: ['memory'],
      };
      const [record] = await bench.store.progress([
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
      expect(await bench.stored(id)).toEqual(record);
    });

    it('leaves what a report does not mention, and drops a question by null', async () => {
      const { run_id: id } = await bench.claimed();
      const fence = { run_id: id, attempt: 1, now: 3000 };
      const question = { kind: 'question', text: 'Which?' } as const;
      await bench.store.progress([
        { ...fence, status: 'input_required', question, engine_thread_id: 't', preview: 'p' },
      ]);
      const [kept] = await bench.store.progress([{ ...fence, started_at: 2100 }]);
      expect(kept).toMatchObject({ status: 'input_required', question, preview: 'p' });
      expect(kept?.attempts[0]).toMatchObject({ engine_thread_id: 't', started_at: 2100 });
      const [answered] = await bench.store.progress([{ ...fence, status: 'running', question: null }]);
      expect(answered?.question).toBeUndefined();
      expect((await bench.stored(id)).question).toBeUndefined();
    });

    it('takes the same report twice as once: handles by id, notes and decisions where new', async () => {
      const { run_id: id } = await bench.claimed();
      const decision = { at: 1, asked: 'ls', answer: 'accepted', by: 'policy' } as const;
      const [a, b] = [handleOf(), handleOf({ stream: 'stderr' })];
      const report = { run_id: id, attempt: 1, now: 1, notes: ['n', 'n'], decisions: [decision, decision] };
      await bench.store.progress([{ ...report, handles: [a] }]);
      const sealed = {
        ...a,
        state: 'sealed',
        bytes: 99,
        sha256: 'f'.repeat(64),
        truncated: true,
        reused_bytes: 99,
      } as const;
      const [record] = await bench.store.progress([{ ...report, handles: [b, sealed] }]);
      expect(record).toMatchObject({ handles: [sealed, b], decisions: [decision] });
      expect(record?.attempts[0]?.notes).toEqual(['n']);
      expect((await bench.stored(id)).handles).toEqual([sealed, b]);
    });

    it('takes what became of an escalation for what was asked, and never the other way round', async () => {
      const { run_id: id } = await bench.claimed();
      const fence = { run_id: id, attempt: 1, now: 1 };
      const asked = { at: 1, asked: 'ls', answer: 'asked', by: 'nobody', escalation: 'sandbox' } as const;
      const other = { ...asked, at: 2, attempt: 1 };
      await bench.store.progress([{ ...fence, decisions: [{ ...asked, attempt: 1 }, other] }]);
      const granted = { ...asked, answer: 'accepted', by: 'client', decided_at: 3, attempt: 2 } as const;
      const [record] = await bench.store.progress([{ ...fence, decisions: [granted, other] }]);
      expect(record?.decisions).toEqual([{ ...granted, attempt: 1 }, other]);
      const [later] = await bench.store.progress([{ ...fence, decisions: [{ ...asked, attempt: 2 }] }]);
      expect(later?.decisions).toEqual(record?.decisions);
      expect((await bench.stored(id)).decisions).toEqual(record?.decisions);
    });

    it('takes several reports about one run in one call', async () => {
      const { run_id: id } = await bench.claimed();
      const fence = { run_id: id, attempt: 1, now: 1 };
      const [one, two] = await bench.store.progress([
        { ...fence, status: 'paused' },
        { ...fence, status: 'running', preview: 'p' },
      ]);
      expect([one?.status, two?.status, two?.preview]).toEqual(['paused', 'running', 'p']);
      expect(await bench.stored(id)).toEqual(two);
    });

    it('leaves out handles that belong to another run', async () => {
      const handle = handleOf();
      const victim = await bench.claimed();
      await bench.store.progress([{ run_id: victim.run_id, attempt: 1, now: 1, handles: [handle] }]);
      const thief = await bench.claimed(newRun({ owner: 'joe' }));
      const own = handleOf();
      const forged = { ...handle, worker_id: 'local-9' };
      const [record] = await bench.store.finish([finishOf(thief.run_id, { handles: [forged, own] })]);
      expect(record?.handles).toEqual([own]);
      expect(await bench.store.findHandle(handle.handle_id)).toMatchObject({ run_id: victim.run_id, handle });
    });
  });

  describe('fences', () => {
    const lost = { kind: 'lost', resumable: false } as const;

    it.each([
      ['an earlier attempt', 1],
      ['an attempt that never was', 3],
    ])('let %s change nothing', async (_which, attempt) => {
      const { run_id: id } = await bench.claimed();
      await bench.store.requeue([{ run_id: id, attempt: 1, now: 3000, outcome: lost }]);
      await bench.store.claim([claimOf(id, { worker: 'local-2' })]);
      const before = await bench.stored(id);
      const fence = { run_id: id, attempt, now: 4000 };
      expect(await bench.store.progress([{ ...fence, status: 'paused', handles: [handleOf()] }])).toEqual([
        undefined,
      ]);
      expect(await bench.store.finish([finishOf(id, fence)])).toEqual([undefined]);
      expect(await bench.store.requeue([{ ...fence, outcome: lost }])).toEqual([undefined]);
      expect(await bench.stored(id)).toEqual(before);
      expect(await bench.store.latestSeq()).toBe(before.seq);
    });

    it('let the latest attempt change nothing once it was taken from its worker', async () => {
      const { run_id: id } = await bench.claimed();
      const [before] = await bench.store.requeue([{ run_id: id, attempt: 1, now: 3000, outcome: lost }]);
      expect(before?.status).toBe('pending');
      expect(await bench.store.finish([finishOf(id)])).toEqual([undefined]);
      expect(await bench.store.progress([{ run_id: id, attempt: 1, now: 1, status: 'running' }])).toEqual([
        undefined,
      ]);
      expect(await bench.stored(id)).toEqual(before);
    });

    it('let nothing change after the end, nor before a claim', async () => {
      const { run_id: id } = await bench.claimed();
      const [end] = await bench.store.finish([finishOf(id)]);
      expect(await bench.store.finish([finishOf(id, { status: 'failed' })])).toEqual([undefined]);
      expect(await bench.store.requeue([{ run_id: id, attempt: 1, now: 1, outcome: lost }])).toEqual([
        undefined,
      ]);
      expect(await bench.stored(id)).toEqual(end);
      const pending = await bench.created();
      expect(await bench.store.finish([finishOf(pending.run_id, { attempt: 0 })])).toEqual([undefined]);
      expect(await bench.store.finish([finishOf(newRun().run_id)])).toEqual([undefined]);
    });
  });

  describe('finish', () => {
    it('takes in what was told with it, as one change', async () => {
      const { run_id: id } = await bench.claimed();
      const fence = { run_id: id, attempt: 1, now: 3000 };
      const handle = handleOf({ state: 'sealed', sha256: 'a'.repeat(64) });
      const told = { ...fence, remote_run_id: 'r', started_at: 2500, handles: [handle], reaping: 'cgroup' };
      const [end] = await bench.store.finish([
        finishOf(id, { told: { ...told, first_output_at: 2600, notes: ['n'], preview: 'p' } }),
      ]);
      expect(end).toMatchObject({ status: 'completed', ended_at: 9000, handles: [handle], preview: 'p' });
      expect(end?.attempts).toMatchObject([
        { remote_run_id: 'r', started_at: 2500, first_output_at: 2600, reaping: 'cgroup', notes: ['n'] },
      ]);
      expect(await bench.stored(id)).toEqual(end);
      expect(await bench.store.latestSeq()).toBe(end?.seq);
    });

    it('keeps what was told with the end of an attempt another one has won over, and ends nothing', async () => {
      const { run_id: id } = await bench.claimed();
      await bench.store.claim([claimOf(id, { worker: 'local-2', hedge: { beside: 1, why: 'slow' } })]);
      await bench.store.finish([finishOf(id, { attempt: 2 })]);
      const late = handleOf({ attempt: 1 });
      const told = { run_id: id, attempt: 1, now: 9500, handles: [late] };
      expect(await bench.store.finish([finishOf(id, { told })])).toEqual([undefined]);
      expect(await bench.stored(id)).toMatchObject({ status: 'completed', handles: [late] });
    });

    it('ends run and attempt with everything that is known of it', async () => {
      const { run_id: id } = await bench.claimed();
      const fence = { run_id: id, attempt: 1, now: 3000 };
      const early = handleOf();
      const question = { kind: 'question', text: '?' } as const;
      await bench.store.progress([
        { ...fence, handles: [early], preview: 'early', status: 'input_required', question },
      ]);
      const late = handleOf({ stream: 'stderr', state: 'sealed', sha256: 'a'.repeat(64) });
      const outcome = { kind: 'signal', signal: 'SIGKILL' } as const;
      const [end] = await bench.store.finish([
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
      expect(await bench.stored(id)).toEqual(end);
      expect(await bench.store.open()).toEqual([]);
    });
  });
}
