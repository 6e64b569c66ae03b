import { describe, expect, it } from 'vitest';
import type { NewRun } from '../../../coordinator/store/run-store.ts';
import type { TaskBudget } from '../../../schemas/run.ts';
import { finishOf, newRun } from '../../helpers/runs.ts';
import { runOf, type Bench } from './bench.ts';

/** How runs come in. */
export function submitCases(bench: Bench): void {
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
      const record = await bench.created(run);
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
      expect(await bench.stored(run.run_id)).toEqual(record);
    });

    it('keeps the order of arrival, within a batch and between batches', async () => {
      const runs = Array.from({ length: 5 }, () => newRun());
      await Promise.all([bench.store.submit(runs.slice(0, 3)), bench.store.submit(runs.slice(3))]);
      expect((await bench.store.open()).map((run) => run.run_id)).toEqual(runs.map((run) => run.run_id));
    });

    it('answers the same run for the same key and spec, whatever the order of its fields', async () => {
      const first = await bench.created(newRun({ spec: { request_key: 'k', inputs: { a: 1, b: 2 } } }));
      const [again] = await bench.store.submit([
        newRun({ spec: { inputs: { b: 2, a: 1 }, request_key: 'k' } }),
      ]);
      expect(again).toEqual({ kind: 'existing', run: first });
      expect(await bench.store.open()).toHaveLength(1);
    });

    it('answers the same run for its key after it has ended', async () => {
      const run = newRun({ spec: { request_key: 'k' } });
      await bench.claimed(run);
      await bench.store.finish([finishOf(run.run_id)]);
      const [again] = await bench.store.submit([newRun({ spec: { request_key: 'k' } })]);
      expect(again).toMatchObject({ kind: 'existing', run: { run_id: run.run_id, status: 'completed' } });
    });

    it('has keys apart for each owner', async () => {
      await bench.created(newRun({ spec: { request_key: 'k' } }));
      const [other] = await bench.store.submit([
        newRun({ owner: 'joe', spec: { request_key: 'k', prompt: 'x' } }),
      ]);
      expect(other?.kind).toBe('created');
    });

    it('creates nothing of a batch with a conflict in it', async () => {
      const { run_id: id } = await bench.created(newRun({ spec: { request_key: 'k' } }));
      const seq = await bench.store.latestSeq();
      const answers = await bench.store.submit([
        newRun({ spec: { request_key: 'new' } }),
        newRun({ spec: { request_key: 'k' } }),
        newRun({ spec: { request_key: 'k', prompt: 'another' } }),
        newRun(),
      ]);
      expect(answers.map((answer) => answer.kind)).toEqual(['withheld', 'existing', 'conflict', 'withheld']);
      expect(answers[2]).toEqual({ kind: 'conflict', run_id: id });
      expect(await bench.store.open()).toHaveLength(1);
      expect(await bench.store.latestSeq()).toBe(seq);
      const [later] = await bench.store.submit([newRun({ spec: { request_key: 'new', prompt: 'free' } })]);
      expect(later?.kind).toBe('created');
    });

    it('starts one run for one key twice in a batch, and none for two specs under it', async () => {
      const twin = { spec: { request_key: 'twin' } };
      const [one, two] = await bench.store.submit([newRun(twin), newRun(twin)]);
      expect([one?.kind, two?.kind]).toEqual(['created', 'existing']);
      expect(runOf(two)).toEqual(runOf(one));

      const pair = [
        newRun({ spec: { request_key: 'pair' } }),
        newRun({ spec: { request_key: 'pair', prompt: 'other' } }),
        newRun({ spec: { request_key: 'pair' } }),
      ];
      expect(await bench.store.submit(pair)).toEqual([
        { kind: 'withheld' },
        { kind: 'conflict', run_id: pair[0]?.run_id },
        { kind: 'withheld' },
      ]);
      expect(await bench.store.open()).toHaveLength(1);
    });

    it('gives 100 callers at once with one key one run', async () => {
      const calls = Array.from({ length: 100 }, () =>
        bench.store.submit([newRun({ spec: { request_key: 'k' } })]),
      );
      const answers = (await Promise.all(calls)).flat();
      expect(answers.filter((answer) => answer.kind === 'created')).toHaveLength(1);
      expect(new Set(answers.map((answer) => runOf(answer).run_id)).size).toBe(1);
    });

    it('refuses a run id it has, creates nothing else of that batch and goes on', async () => {
      const run = newRun();
      await bench.created(run);
      const other = newRun({ spec: { request_key: 'k' } });
      const failed = bench.store.submit([other, run]);
      const [fine] = await bench.store.submit([newRun()]);
      await expect(failed).rejects.toMatchObject({ name: 'FleetError', code: 'INTERNAL' });
      expect(fine?.kind).toBe('created');
      expect(await bench.store.get(other.run_id)).toBeUndefined();
      expect((await bench.store.submit([newRun({ spec: { request_key: 'k', prompt: 'x' } })]))[0]?.kind).toBe(
        'created',
      );
    });

    it('is not reached by what a caller does to its objects afterwards', async () => {
      const run = newRun();
      const record = await bench.created(run);
      run.spec.prompt = 'changed';
      record.attempts.length = 1;
      record.spec.task_id = 'changed';
      expect(await bench.stored(run.run_id)).toMatchObject({
        spec: { prompt: 'Fix the failing test', task_id: 'task' },
        attempts: [],
      });
    });

    it('takes no more runs of a task than its budget allows, nor any other of their batch', async () => {
      const ofTask = (task_id: string, more = {}) => newRun({ spec: { task_id, ...more } });
      await bench.store.submit([ofTask('t', { request_key: 'k', task_budget: { runs: 3 } }), ofTask('t')]);
      const refused = await bench.store.submit([ofTask('other'), ofTask('t'), ofTask('t')]);
      expect(refused.map(({ kind }) => kind)).toEqual(['withheld', 'withheld', 'over_budget']);
      expect(refused[2]).toEqual({ kind: 'over_budget', which: 'runs', limit: 3, raises: false });
      const again = ofTask('t', { request_key: 'k', task_budget: { runs: 3 } });
      const kinds = async (...runs: NewRun[]) => (await bench.store.submit(runs)).map(({ kind }) => kind);
      expect(await kinds(ofTask('t'), again)).toEqual(['created', 'existing']);
      expect(await kinds(ofTask('t'))).toEqual(['over_budget']);
      expect(await kinds(newRun({ owner: 'joe', spec: { task_id: 't' } }))).toEqual(['created']);
      expect(await bench.store.selectWithOpen({ owner: 'jane', after_seq: 0, limit: 1 })).toMatchObject({
        open: 3,
      });
    });

    it('keeps the lowest budget a task was given, counts the runs it had before, and raises none', async () => {
      const give = (task_budget: TaskBudget) => bench.store.submit([newRun({ spec: { task_budget } })]);
      await bench.store.submit([newRun(), newRun()]);
      await give({ tokens: 500, runs: 9 });
      await give({ tokens: 400, runs: 4 });
      expect(await give({ tokens: 401 })).toEqual([
        { kind: 'over_budget', which: 'tokens', limit: 400, raises: true },
      ]);
      expect(await give({})).toMatchObject([{ kind: 'over_budget', which: 'runs' }]);
      expect(await bench.store.taskBudget('jane', 'task')).toEqual({ tokens: 400, runs: 4 });
      expect(await bench.store.taskBudget('joe', 'task')).toBeUndefined();
      expect(await bench.store.budgetedTasks()).toEqual([{ owner: 'jane', task_id: 'task' }]);
    });

    it('means by an entry of the batch the run that has its key', async () => {
      const first = newRun({ spec: { request_key: 'first' } });
      const second = (after: NewRun) => newRun({ spec: { request_key: 'second', after: [after.run_id] } });
      const [, made] = await bench.store.submit([first, second(first)]);
      const again = newRun({ spec: { request_key: 'first' } });
      const [, found] = await bench.store.submit([again, second(again)]);
      expect(made).toMatchObject({ kind: 'created', run: { spec: { after: [first.run_id] } } });
      expect(found).toMatchObject({ kind: 'existing', run: { spec: { after: [first.run_id] } } });
      const late = newRun({ spec: { after: [again.run_id] } });
      const [, created] = await bench.store.submit([again, late]);
      expect(created).toMatchObject({ kind: 'created', run: { spec: { after: [first.run_id] } } });
    });
  });
}
