import type { Database } from 'better-sqlite3';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { closeAfterWriting, openForWriting } from '../../../coordinator/store/database.ts';
import type { Operation } from '../../../coordinator/store/operations.ts';
import { batchLength, createWriter, maxBatchWeight } from '../../../coordinator/store/writer.ts';
import { claimOf, finishOf, handleOf, newRun } from '../../helpers/runs.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { countCommits } from '../../helpers/wal.ts';

function open(): Database {
  const db = openForWriting(join(scratchFolder(), 'fleet.db'));
  onTestFinished(() => {
    db.close();
  });
  return db;
}

function countRuns(db: Database): unknown {
  return db.prepare('SELECT count(*) FROM run').pluck().get();
}

const submit = (...runs: ReturnType<typeof newRun>[]): Operation => ({ kind: 'submit', runs });

describe('the connection that writes', () => {
  it('waits for the disk at every commit, and has the settings it should', () => {
    const db = open();
    const settings = Object.fromEntries(
      ['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout', 'temp_store', 'cache_size'].map(
        (name) => [name, db.pragma(name, { simple: true })],
      ),
    );
    expect(settings).toEqual({
      journal_mode: 'wal',
      synchronous: 2,
      foreign_keys: 1,
      busy_timeout: 5000,
      temp_store: 2,
      cache_size: -65536,
    });
    expect(db.pragma('journal_size_limit', { simple: true })).toBe(67_108_864);
  });
});

describe('group commit', () => {
  it('makes one transaction of many operations, and none of those that change nothing', () => {
    const db = open();
    const writer = createWriter(db);
    const run = newRun();
    writer.commit([submit(newRun())]);
    const before = countCommits(db.name);
    const results = writer.commit([
      submit(run),
      { kind: 'claim', claims: [claimOf(run.run_id)] },
      { kind: 'finish', ends: [finishOf(run.run_id, { handles: [handleOf()] })] },
    ]);
    expect(results.map((result) => result.kind)).toEqual(['submitted', 'runs', 'runs']);
    expect(countCommits(db.name)).toBe(before + 1);
    writer.commit([{ kind: 'cancel', run_ids: [run.run_id], now: 1 }]);
    expect(countCommits(db.name)).toBe(before + 1);
  });

  it('takes back a failing operation alone', () => {
    const db = open();
    const writer = createWriter(db);
    const [kept, twice, lost, after] = [newRun(), newRun(), newRun({ spec: { request_key: 'k' } }), newRun()];
    const results = writer.commit([submit(kept, twice), submit(lost, twice), submit(after)]);
    expect(results.map((result) => result.kind)).toEqual(['submitted', 'failed', 'submitted']);
    expect(countRuns(db)).toBe(3);
    // What was remembered of the failed operation must be gone as well.
    const [claim] = writer.commit([{ kind: 'claim', claims: [claimOf(lost.run_id), claimOf(after.run_id)] }]);
    expect(claim).toMatchObject({ kind: 'runs', runs: [undefined, { status: 'running' }] });
    const [again] = writer.commit([submit(newRun({ spec: { request_key: 'k', prompt: 'other' } }))]);
    expect(again).toMatchObject({ kind: 'submitted', submitted: [{ kind: 'created' }] });
  });

  it('fails all of a batch, keeps none of it, and goes on, where SQLite gives the transaction up', () => {
    const db = open();
    const writer = createWriter(db);
    const [early, big, small] = [newRun(), newRun({ spec: { prompt: 'x'.repeat(150_000) } }), newRun()];
    writer.commit([submit(early)]);
    const pages = Number(db.pragma('page_count', { simple: true }));
    db.pragma(`max_page_count = ${pages + 2}`);
    const results = writer.commit([
      { kind: 'claim', claims: [claimOf(early.run_id)] },
      submit(big),
      submit(small),
    ]);
    for (const result of results)
      if (result.kind === 'failed') expect(result.failure).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(results[1]?.kind).toBe('failed');
    expect(db.inTransaction).toBe(false);

    db.pragma('max_page_count = 1000000');
    const [claim] = writer.commit([{ kind: 'claim', claims: [claimOf(early.run_id), claimOf(big.run_id)] }]);
    const claimedBefore = results[0]?.kind === 'runs';
    expect(claim).toMatchObject({
      runs: [claimedBefore ? undefined : { status: 'running', attempts: [{ attempt: 1 }] }, undefined],
    });
    expect(writer.commit([submit(big)])).toMatchObject([{ submitted: [{ kind: 'created' }] }]);
  });

  it('never gives out a seq again, not even those of runs since deleted', () => {
    const db = open();
    const first = createWriter(db);
    first.commit([submit(newRun(), newRun())]);
    db.prepare('DELETE FROM run').run();
    const [result] = createWriter(db).commit([submit(newRun())]);
    expect(result).toMatchObject({ submitted: [{ run: { seq: 3 } }] });
  });

  it('sees what another connection wrote in between', () => {
    const db = open();
    const other = openForWriting(db.name);
    const [here, there] = [createWriter(db), createWriter(other)];
    const run = newRun();
    here.commit([submit(run)]);
    there.commit([{ kind: 'claim', claims: [claimOf(run.run_id)] }, submit(newRun())]);
    other.close();
    const results = here.commit([{ kind: 'finish', ends: [finishOf(run.run_id)] }, submit(newRun())]);
    expect(results).toMatchObject([
      { runs: [{ status: 'completed', seq: 4 }] },
      { submitted: [{ run: { seq: 5 } }] },
    ]);
  });

  it('prepares every statement once, however much is done', () => {
    const db = open();
    const prepare = db.prepare.bind(db);
    let prepared = 0;
    Object.assign(db, {
      prepare(sql: string) {
        prepared += 1;
        return prepare(sql);
      },
    });
    const writer = createWriter(db);
    const atStart = prepared;
    expect(atStart).toBeGreaterThan(10);
    for (let round = 0; round < 5; round += 1) {
      const run = newRun({ spec: { request_key: `k${round}` } });
      const fence = { run_id: run.run_id, attempt: 1, now: 1 };
      writer.commit([
        submit(run),
        { kind: 'hold', run_id: run.run_id, held: true, now: 1 },
        { kind: 'hold', run_id: run.run_id, held: false, now: 1 },
        { kind: 'claim', claims: [claimOf(run.run_id)] },
        { kind: 'progress', changes: [{ ...fence, handles: [handleOf()], preview: 'p' }] },
        { kind: 'heartbeat', worker_ids: ['local-1'], until: 9 },
        { kind: 'requeue', ends: [{ ...fence, outcome: { kind: 'lost', resumable: true } }] },
        { kind: 'cancel', run_ids: [run.run_id], now: 1 },
      ]);
    }
    expect(prepared).toBe(atStart);
  });

  it('cuts batches by the number of runs in them', () => {
    const batch = (size: number): Operation => submit(...Array.from({ length: size }, () => newRun()));
    expect(batchLength([])).toBe(0);
    expect(batchLength([batch(maxBatchWeight + 1), batch(1)])).toBe(1);
    expect(batchLength(Array.from({ length: 10 }, () => batch(64)))).toBe(7);
    expect(batchLength(Array.from({ length: maxBatchWeight + 1 }, () => batch(1)))).toBe(maxBatchWeight);
  });
});

describe('closing', () => {
  it('folds the log away', () => {
    const file = join(scratchFolder(), 'fleet.db');
    const db = openForWriting(file);
    createWriter(db).commit([submit(newRun())]);
    closeAfterWriting(db);
    expect(db.open).toBe(false);
  });
});
