import fc from 'fast-check';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createMemoryRunStore } from '../../../coordinator/store/memory-run-store.ts';
import type { NewRun, RunRecord, RunStore } from '../../../coordinator/store/run-store.ts';
import { openSqliteRunStore } from '../../../coordinator/store/sqlite-run-store.ts';
import { isTerminal } from '../../../schemas/run-words.ts';
import { runRecord } from '../../helpers/run-record.ts';
import { claimOf, finishOf, handleOf, newRun } from '../../helpers/runs.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

/*
 * Any sequence of calls gets the same answers from memory and from SQLite, where some calls are made
 * at once; afterwards, and after SQLite was closed and opened again, both tell the same of every run.
 */

/** What the sequence has made so far; ids are the same in both stores. */
interface Made {
  memory: RunStore;
  runs: NewRun[];
}

interface Stores {
  sqlite: RunStore;
}

type Call = (store: RunStore, runs: readonly NewRun[]) => Promise<unknown>;
type Step = fc.AsyncCommand<Made, Stores>;

/** A few small numbers serve as indexes, times and choices, so that collisions are the rule. */
const few = fc.nat(7);
const handles = Array.from({ length: 6 }, (_, at) =>
  handleOf({ stream: at % 2 === 0 ? 'stdout' : 'stderr' }),
);

function step(name: string, act: (made: Made) => Call[]): Step {
  return {
    check: () => true,
    async run(made, { sqlite }) {
      const calls = act(made);
      const expected: unknown[] = [];
      for (const call of calls) expected.push(await call(made.memory, made.runs));
      const actual = await Promise.all(calls.map((call) => call(sqlite, made.runs)));
      expect(actual).toEqual(expected);
    },
    toString: () => name,
  };
}

function pick(runs: readonly NewRun[], at: number): string {
  return runs[at % Math.max(runs.length, 1)]?.run_id ?? 'run_unknown';
}

const submits = fc
  .array(
    fc.record({
      key: fc.option(fc.nat(3), { nil: undefined }),
      prompt: fc.nat(1),
      task: fc.nat(1),
      owner: fc.nat(1),
      most: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((entries) =>
    step(`submit ${JSON.stringify(entries)}`, (made) => {
      const batch = entries.map(({ key, prompt, task, owner, most }) =>
        newRun({
          owner: `owner-${owner}`,
          spec: {
            task_id: `task-${task}`,
            prompt: `prompt ${prompt}`,
            ...(key !== undefined && { request_key: `key-${key}` }),
            ...(most !== undefined && { task_budget: { runs: 3 * most } }),
          },
        }),
      );
      made.runs.push(...batch);
      return [(store) => store.submit(batch)];
    }),
  );

const claims = fc
  .tuple(few, few, few)
  .map(([at, worker, now]) =>
    step(`claim ${at} by ${worker % 3} at ${now}`, () => [
      (store, runs) =>
        store.claim([claimOf(pick(runs, at), { worker: `w-${worker % 3}`, now, lease_ms: 3 })]),
    ]),
  );

const statuses = ['running', 'paused', 'input_required'] as const;

const reports = fc
  .tuple(
    few,
    fc.integer({ min: 1, max: 3 }),
    few,
    fc.subarray(handles),
    fc.constantFrom(undefined, ...statuses),
  )
  .map(([at, attempt, now, some, status]) =>
    step(`progress ${at}.${attempt} ${status} with ${some.length} handles`, () => [
      (store, runs) =>
        store.progress([
          {
            run_id: pick(runs, at),
            attempt,
            now,
            ...(status !== undefined && { status }),
            question: status === 'input_required' ? { kind: 'question', text: '?' } : null,
            handles: some.map((handle) => ({ ...handle, bytes: now })),
            notes: [`note ${now}`],
            decisions: [{ at: now, asked: 'x', answer: 'accepted', by: 'policy' }],
            ...(now > 3 ? { first_output_at: now, preview: `preview ${now}` } : { started_at: now }),
          },
        ]),
    ]),
  );

const ends = fc
  .tuple(few, fc.integer({ min: 1, max: 3 }), few, fc.subarray(handles))
  .map(([at, attempt, now, some]) =>
    step(`finish ${at}.${attempt}`, () => [
      (store, runs) =>
        store.finish([
          finishOf(pick(runs, at), {
            attempt,
            now,
            handles: some,
            ...(now > 3 && { status: 'failed', error: 'e' }),
            ...(now % 2 === 0 && {
              told: {
                run_id: pick(runs, at),
                attempt,
                now,
                started_at: now,
                handles: some,
                notes: [`told ${now}`],
              },
            }),
          }),
        ]),
    ]),
  );

const requeues = fc
  .tuple(few, fc.integer({ min: 1, max: 3 }), few)
  .map(([at, attempt, now]) =>
    step(`requeue ${at}.${attempt}`, () => [
      (store, runs) =>
        store.requeue([
          { run_id: pick(runs, at), attempt, now, outcome: { kind: 'lost', resumable: now > 3 } },
        ]),
    ]),
  );

const cancels = fc
  .tuple(few, few, few)
  .map(([at, other, now]) =>
    step(`cancel ${at} ${other}`, () => [
      (store, runs) => store.cancel([pick(runs, at), pick(runs, other)], now, now > 3 ? 'reason' : undefined),
      (store, runs) =>
        store.end([
          { run_id: pick(runs, other), now, outcome: { kind: 'limit', which: 'turns' }, error: 'spent' },
        ]),
    ]),
  );

const holds = fc
  .tuple(few, fc.boolean())
  .map(([at, held]) =>
    step(`hold ${at} ${held}`, () => [(store, runs) => store.hold(pick(runs, at), held, 1)]),
  );

const forgettings = fc
  .tuple(few, few)
  .map(([at, other]) =>
    step(`forget ${at} ${other}`, () => [
      (store, runs) => store.forget([pick(runs, at), pick(runs, other)]),
      (store, runs) => store.settle(`w-${at % 3}`, [pick(runs, other)]),
    ]),
  );

const heartbeats = fc
  .tuple(few, few)
  .map(([worker, now]) =>
    step(`heartbeat ${worker % 3} at ${now}`, () => [
      (store) => store.heartbeat([`w-${worker % 3}`, 'w-9'], 3, now),
    ]),
  );

const reads = fc.tuple(few, few).map(([at, seq]) =>
  step(`read ${at}`, () => [
    (store) => store.expired(at),
    (store, runs) => store.get(pick(runs, at)),
    (store) => store.select({ owner: 'owner-0', task_id: `task-${at % 2}`, after_seq: seq, limit: at + 1 }),
    (store, runs) =>
      store.select({
        owner: 'owner-0',
        run_ids: [pick(runs, at), pick(runs, seq)],
        after_seq: 0,
        limit: 9,
      }),
    (store) => store.selectWithOpen({ owner: `owner-${at % 2}`, after_seq: seq, limit: at }),
    (store) => store.ended({ until: at, limit: seq }),
    (store) => store.ended({ until: 1e9, after: { ended_at: at, arrival: seq }, limit: 3 }),
    (store) => store.firstOf('owner-0', `task-${at % 2}`),
    (store) => store.storedBytesOf('owner-0', `task-${at % 2}`),
    (store) => store.spentBefore('owner-0', `task-${at % 2}`),
    (store, runs) => store.contentsOnlyOf([pick(runs, at), pick(runs, seq)]),
    (store) => store.findHandle(handles[at % handles.length]?.handle_id ?? ''),
  ]),
);

/** One run through all it can go through, several calls in one turn of the event loop. */
const lives = fc.tuple(few, fc.boolean()).map(([worker, lost]) =>
  step(`life on ${worker % 3}${lost ? ', lost once' : ''}`, (made) => {
    const run = newRun({ owner: 'owner-0', spec: { task_id: 'task-0' } });
    made.runs.push(run);
    const id = run.run_id;
    const outcome = { kind: 'lost', resumable: true } as const;
    const again: Call[] = [
      (store) => store.requeue([{ run_id: id, attempt: 1, now: 3, outcome }]),
      (store) => store.claim([claimOf(id, { worker: `w-${worker % 3}` })]),
    ];
    return [
      (store) => store.submit([run]),
      (store) => store.claim([claimOf(id, { worker: `w-${worker % 3}` })]),
      ...(lost ? again : []),
      (store) => store.finish([finishOf(id, { attempt: lost ? 2 : 1 })]),
    ];
  }),
);

async function everything(store: RunStore, runs: readonly NewRun[]): Promise<unknown> {
  const records = await Promise.all(runs.map(({ run_id: id }) => store.get(id)));
  return {
    records,
    open: await store.open(),
    expired: await store.expired(1e9),
    latestSeq: await store.latestSeq(),
    owed: await store.owed(),
    ended: await store.ended({ until: 1e9, limit: 1_000 }),
    bytes: await store.storedBytes(),
    budgets: await Promise.all(
      (await store.budgetedTasks()).map(async ({ owner, task_id: task }) => [
        owner,
        task,
        await store.taskBudget(owner, task),
      ]),
    ),
  };
}

function checkRecord(record: RunRecord): void {
  runRecord.parse(record);
  expect(record.ended_at !== undefined).toBe(isTerminal(record.status));
  expect(record.attempts.map(({ attempt }) => attempt)).toEqual(record.attempts.map((_, at) => at + 1));
  const under = record.attempts.filter(({ ended_at: endedAt }) => endedAt === undefined);
  const active = record.status === 'running' || record.status === 'input_required';
  expect(under.length).toBeLessThanOrEqual(isTerminal(record.status) || record.status === 'pending' ? 0 : 1);
  if (active) expect(under).toHaveLength(1);
}

it('memory and SQLite give the same answers to any sequence of calls', async () => {
  const folder = scratchFolder();
  let files = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.commands(
        [submits, claims, reports, ends, requeues, cancels, holds, forgettings, heartbeats, reads, lives],
        {
          maxCommands: 60,
          size: 'max',
        },
      ),
      async (commands) => {
        files += 1;
        const file = join(folder, `${files}.db`);
        const made: Made = { memory: createMemoryRunStore(), runs: [] };
        const sqlite = await openSqliteRunStore(file);
        try {
          await fc.asyncModelRun(() => ({ model: made, real: { sqlite } }), commands);
          expect(await everything(sqlite, made.runs)).toEqual(await everything(made.memory, made.runs));
        } finally {
          await sqlite.close();
        }
        const reopened = await openSqliteRunStore(file);
        try {
          expect(await everything(reopened, made.runs)).toEqual(await everything(made.memory, made.runs));
          const all = await Promise.all(made.runs.map(({ run_id: id }) => reopened.get(id)));
          const records = all.filter((record) => record !== undefined);
          for (const record of records) checkRecord(record);
          expect(new Set(records.map(({ seq }) => seq)).size).toBe(records.length);
        } finally {
          await reopened.close();
        }
      },
    ),
    { numRuns: 15 },
  );
}, 60_000);
