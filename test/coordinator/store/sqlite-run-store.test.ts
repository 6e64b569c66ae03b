import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openSqliteRunStore } from '../../../coordinator/store/sqlite-run-store.ts';
import { startWriter } from '../../../coordinator/store/writer-client.ts';
import { claimOf, newRun } from '../../helpers/runs.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { countCommits } from '../../helpers/wal.ts';
import { runStoreSuite } from '../../suites/run-store.suite.ts';

runStoreSuite('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'store-'));
  const store = await openSqliteRunStore(join(folder, 'fleet.db'));
  return {
    store,
    async end() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
});

describe('a SQLite store', () => {
  it('keeps its file private, leaves one file behind, and opens it again with everything in it', async () => {
    const folder = scratchFolder();
    const file = join(folder, 'fleet.db');
    const first = await openSqliteRunStore(file);
    const run = newRun({ spec: { request_key: 'k' } });
    await first.submit([run]);
    expect(await first.latestSeq()).toBe(1);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    await first.close();
    expect(readdirSync(folder)).toEqual(['fleet.db']);

    const second = await openSqliteRunStore(file);
    expect((await second.open()).map(({ run_id: id }) => id)).toEqual([run.run_id]);
    const [again] = await second.submit([newRun({ spec: { request_key: 'k' } })]);
    expect(again).toMatchObject({ kind: 'existing', run: { run_id: run.run_id } });
    const [next] = await second.submit([newRun()]);
    expect(next).toMatchObject({ kind: 'created', run: { seq: 2, arrival: 2 } });
    await second.close();
  });

  it('syncs once for all that is asked in one turn', async () => {
    const file = join(scratchFolder(), 'fleet.db');
    const store = await openSqliteRunStore(file);
    await store.submit([newRun()]);
    const before = countCommits(file);
    const runs = Array.from({ length: 50 }, () => newRun());
    const calls = runs.flatMap((run) => [store.submit([run]), store.claim([claimOf(run.run_id)])]);
    await Promise.all(calls);
    expect(countCommits(file)).toBe(before + 1);
    await store.close();
  });

  it('takes any number of calls at once, in order', async () => {
    const store = await openSqliteRunStore(join(scratchFolder(), 'fleet.db'));
    const runs = Array.from({ length: 1600 }, () => newRun());
    const answers = await Promise.all(runs.map((run) => store.submit([run])));
    const arrivals = answers.map(([answer]) => answer?.kind === 'created' && answer.run.arrival);
    expect(arrivals).toEqual(runs.map((_, at) => at + 1));
    await store.close();
  });

  it('ends its thread, and can be closed before anything was read or written', async () => {
    const file = join(scratchFolder(), 'fleet.db');
    await (await openSqliteRunStore(file)).close();
    await (await openSqliteRunStore(file)).close();
  });

  it('reads while another process writes, and says so where that one will not let it write', async () => {
    const file = join(scratchFolder(), 'fleet.db');
    const store = await openSqliteRunStore(file);
    await store.submit([newRun()]);
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    const refused = store.submit([newRun()]);
    expect(await store.open()).toHaveLength(1);
    await expect(refused).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    other.close();
    expect((await store.submit([newRun()]))[0]?.kind).toBe('created');
    await store.close();
  });
});

describe('a writer thread that dies', () => {
  const thread = new URL('../../fixtures/dying-writer-thread.mjs', import.meta.url);

  it('fails what is pending and what comes later, and says that it may have been kept', async () => {
    const writer = await startWriter('unused', thread);
    const heartbeat = { kind: 'heartbeat', worker_ids: ['w'], until: 1 } as const;
    const pending = [writer.send(heartbeat), writer.send(heartbeat)];
    for (const call of pending)
      await expect(call).rejects.toMatchObject({
        code: 'INTERNAL',
        message: expect.stringContaining('has ended'),
      });
    await expect(writer.send(heartbeat)).rejects.toMatchObject({ code: 'INTERNAL' });
    await writer.close();
  });
});
