import Database from 'better-sqlite3';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openForWriting } from '../../../coordinator/store/database.ts';
import { migrate, migrations } from '../../../coordinator/store/migrate.ts';
import { openSqliteRunStore } from '../../../coordinator/store/sqlite-run-store.ts';
import { createWriter } from '../../../coordinator/store/writer.ts';
import { claimOf, newRun } from '../../helpers/runs.ts';
import { runRecord } from '../../helpers/run-record.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

const steps = migrations();

/** A run as the schema of version 1 has it, written without any of today's code. */
const runOfVersion1 = `
  INSERT INTO run (arrival, run_id, owner, task_id, request_key, seq, status, attempt, worker_id, lease_until,
    accepted_at, first_claimed_at, cancel_requested, decisions)
  VALUES (1, 'run_V1StGXR8Z5jdHi6BmyT01', 'jane', 't', 'k', 2, 'running', 1, 'local-1', 31000, 500, 1000, 0, '[]');
  INSERT INTO run_spec VALUES (1, '{"pipeline":"codex","task_id":"t","cwd":"/x","request_key":"k","inputs":{},"ask":false}');
  INSERT INTO attempt (arrival, attempt, placement, boot_id, claimed_at, notes)
  VALUES (1, 1, '{"worker_id":"local-1","policy":"p","why":"w","next":[],"rejected":{}}', 'boot', 1000, '[]');
  INSERT INTO handle (arrival, position, handle_id, worker_id, stream, stage, media_type, state, bytes, lines,
    truncated, created_at)
  VALUES (1, 0, 'hdl_V1StGXR8Z5jdHi6BmyT01', 'local-1', 'stdout', 's', 'text/plain', 'open', 3, 1, 0, 1200);
  UPDATE counter SET seq = 2;`;

describe('migrations', () => {
  it.each(steps.map((_, at) => at + 1))(
    'bring a file of version %i up to date with its runs',
    async (version) => {
      const file = join(scratchFolder(), 'fleet.db');
      const old = new Database(file);
      migrate(old, steps.slice(0, 1));
      old.exec(runOfVersion1);
      migrate(old, steps.slice(0, version));
      expect(old.pragma('user_version', { simple: true })).toBe(version);
      old.close();

      const store = await openSqliteRunStore(file);
      const [run] = await store.open();
      expect(runRecord.parse(run)).toMatchObject({
        run_id: 'run_V1StGXR8Z5jdHi6BmyT01',
        seq: 2,
        status: 'running',
      });
      expect(await store.findHandle('hdl_V1StGXR8Z5jdHi6BmyT01')).toMatchObject({ handle: { bytes: 3 } });
      expect(await store.expired(31_001)).toEqual([{ run_id: run?.run_id, attempt: 1 }]);
      expect(await store.expired(31_000)).toEqual([]);
      await store.close();
    },
  );

  it('are not run twice', () => {
    const file = join(scratchFolder(), 'fleet.db');
    const first = openForWriting(file);
    createWriter(first).commit([{ kind: 'submit', runs: [newRun()] }]);
    first.close();
    const second = openForWriting(file);
    expect(second.prepare('SELECT count(*) FROM run').pluck().get()).toBe(1);
    second.close();
  });

  it('leave a file as it was where one fails', () => {
    const db = new Database(join(scratchFolder(), 'fleet.db'));
    expect(() => {
      migrate(db, [...steps, 'CREATE TABLE half (a) STRICT; nonsense']);
    }).toThrow();
    expect(db.pragma('user_version', { simple: true })).toBe(steps.length);
    db.close();
  });

  it('end in the schema that schema.sql shows', async () => {
    const db = openForWriting(join(scratchFolder(), 'fleet.db'));
    const parts = db
      .prepare<[], string>(
        `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY tbl_name, type DESC, name`,
      )
      .pluck()
      .all();
    db.close();
    const dumped = `-- Dumped from the migrations by the tests (vitest -u writes it anew); nothing reads it.\n\n${parts.join(';\n\n')};\n`;
    await expect(dumped).toMatchFileSnapshot('../../../coordinator/store/schema.sql');
  });

  it('make STRICT tables only', () => {
    const db = openForWriting(join(scratchFolder(), 'fleet.db'));
    const loose = db
      .prepare(
        `SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'`,
      )
      .pluck()
      .all();
    db.close();
    expect(loose).toEqual([]);
  });
});

describe('a file that cannot be used', () => {
  it('is refused where a newer program wrote it, and left alone', async () => {
    const file = join(scratchFolder(), 'fleet.db');
    openForWriting(file).close();
    const db = new Database(file);
    db.pragma(`user_version = ${steps.length + 1}`);
    db.close();
    const before = readFileSync(file);
    await expect(openSqliteRunStore(file)).rejects.toMatchObject({
      code: 'WRONG_STATE',
      message: expect.stringContaining('newer codex-fleet'),
      next: expect.stringContaining('Install'),
    });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('is refused where it belongs to another program', async () => {
    const file = join(scratchFolder(), 'fleet.db');
    const db = new Database(file);
    db.exec('CREATE TABLE bookmarks (url)');
    db.close();
    await expect(openSqliteRunStore(file)).rejects.toMatchObject({
      code: 'WRONG_STATE',
      message: expect.stringContaining('another program'),
    });
  });

  it('is refused where it is no database', async () => {
    const file = join(scratchFolder(), 'fleet.db');
    writeFileSync(file, 'not a database, though as long as a header would be. '.repeat(200));
    await expect(openSqliteRunStore(file)).rejects.toMatchObject({
      code: 'WRONG_STATE',
      message: expect.stringContaining('damaged'),
      next: expect.stringContaining('backup'),
    });
  });

  it('is refused where its end is missing', async () => {
    const file = join(scratchFolder(), 'fleet.db');
    const db = openForWriting(file);
    const runs = Array.from({ length: 300 }, () => newRun());
    createWriter(db).commit([{ kind: 'submit', runs }]);
    createWriter(db).commit([{ kind: 'claim', claims: runs.map((run) => claimOf(run.run_id)) }]);
    db.close();
    truncateSync(file, 20_000);
    await expect(openSqliteRunStore(file)).rejects.toMatchObject({
      code: 'WRONG_STATE',
      message: expect.stringContaining('damaged'),
    });
  });

  it('is explained where it cannot be made', async () => {
    const folder = scratchFolder();
    await expect(openSqliteRunStore(join(folder, 'none', 'fleet.db'))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('cannot be opened'),
    });
    mkdirSync(join(folder, 'fleet.db'));
    await expect(openSqliteRunStore(join(folder, 'fleet.db'))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
  });
});
