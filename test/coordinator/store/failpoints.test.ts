import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nothingTold } from '../../../core/token-ledger.ts';
import type { Operation } from '../../../coordinator/store/operations.ts';
import type { RunStore } from '../../../coordinator/store/run-store.ts';
import { openSqliteRunStore } from '../../../coordinator/store/sqlite-run-store.ts';
import { dieAt } from '../../helpers/failpoints.ts';
import { claimOf, finishOf, newRun } from '../../helpers/runs.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

const run = newRun();
const { run_id } = run;
const fence = { run_id, attempt: 1, now: 3000 };
const claim = ['claim', [claimOf(run_id, { now: 2000, lease_ms: 1000 })]];

interface Case {
  /** There before. */
  runs: unknown[];
  calls: unknown[][];
  /** Whether the last of the calls has come to be. */
  isDone(store: RunStore): Promise<boolean>;
}

/** One call of each kind, told from what was before it. */
const cases: Record<Operation['kind'], Case> = {
  submit: {
    runs: [],
    calls: [['submit', [run]]],
    isDone: async (store) => (await store.get(run_id)) !== undefined,
  },
  claim: {
    runs: [run],
    calls: [claim],
    isDone: async (store) => (await store.get(run_id))?.status === 'running',
  },
  progress: {
    runs: [run],
    calls: [claim, ['progress', [{ ...fence, preview: 'so far' }]]],
    isDone: async (store) => (await store.get(run_id))?.preview === 'so far',
  },
  finish: {
    runs: [run],
    calls: [claim, ['finish', [finishOf(run_id)]]],
    isDone: async (store) => (await store.get(run_id))?.status === 'completed',
  },
  requeue: {
    runs: [run],
    calls: [claim, ['requeue', [{ ...fence, outcome: { kind: 'lost', resumable: true } }]]],
    isDone: async (store) => (await store.get(run_id))?.status === 'pending',
  },
  cancel: {
    runs: [run],
    calls: [['cancel', [run_id], 3000]],
    isDone: async (store) => (await store.get(run_id))?.status === 'cancelled',
  },
  end: {
    runs: [run],
    calls: [['end', [{ run_id, now: 3000, outcome: { kind: 'cancelled' }, error: 'e' }]]],
    isDone: async (store) => (await store.get(run_id))?.status === 'cancelled',
  },
  hold: {
    runs: [run],
    calls: [['hold', run_id, true, 3000]],
    isDone: async (store) => (await store.get(run_id))?.status === 'paused',
  },
  heartbeat: {
    runs: [run],
    calls: [claim, ['heartbeat', ['local-1'], 30_000, 2500]],
    isDone: async (store) => (await store.expired(10_000)).length === 0,
  },
  drain: {
    runs: [],
    calls: [['drain', 'local-1', true]],
    isDone: async (store) => (await store.drained()).includes('local-1'),
  },
  forget: {
    runs: [run],
    calls: [claim, ['finish', [finishOf(run_id)]], ['forget', [run_id]]],
    isDone: async (store) => {
      const [owed] = await store.owed();
      const isGone = (await store.get(run_id)) === undefined;
      // Never without the news that its worker is owed.
      expect(owed?.run_id).toBe(isGone ? run_id : undefined);
      return isGone;
    },
  },
  settle: {
    runs: [run],
    calls: [claim, ['finish', [finishOf(run_id)]], ['forget', [run_id]], ['settle', 'local-1', [run_id]]],
    isDone: async (store) => (await store.owed()).length === 0,
  },
  tell: {
    runs: [run],
    calls: [['tell', [{ ...nothingTold(run_id), replies: 1 }]]],
    isDone: async (store) => (await store.told(run_id))?.replies === 1,
  },
};
const kinds: Operation['kind'][] = [
  'submit',
  'claim',
  'progress',
  'finish',
  'requeue',
  'cancel',
  'end',
  'hold',
  'heartbeat',
  'drain',
  'forget',
  'settle',
  'tell',
];

describe('a coordinator that dies in a commit', () => {
  it.each(
    kinds.flatMap((kind) => [
      { kind, at: 'before' as const },
      { kind, at: 'after' as const },
    ]),
  )('$at that of a $kind: it is there in one piece or not at all', async ({ kind, at }) => {
    const folder = scratchFolder();
    const file = join(folder, 'fleet.db');
    const { runs, calls, isDone } = cases[kind];
    const args = [file, JSON.stringify(runs), JSON.stringify(calls)];
    dieAt({ name: `store.${kind}.${at}`, folder }, 'die-in-store.mjs', args);
    const store = await openSqliteRunStore(file);
    expect(await isDone(store)).toBe(at === 'after');
    await store.close();
  });

  it('has every kind of commit in this list', () => {
    expect(kinds.toSorted()).toEqual(Object.keys(cases).toSorted());
  });
});
