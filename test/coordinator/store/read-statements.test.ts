import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openForWriting } from '../../../coordinator/store/database.ts';
import { prepareReads } from '../../../coordinator/store/read-statements.ts';
import { createRunLoader } from '../../../coordinator/store/run-loader.ts';
import { prepareWrites } from '../../../coordinator/store/write-statements.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

/** Sums over every handle there is: asked for when room is made, never by a call. */
const sums = /\bFROM handle (WHERE sha256 IS NOT NULL )?GROUP BY/;

it('serves every statement by an index, so that none grows slower with the runs that have ended', () => {
  const db = openForWriting(join(scratchFolder(), 'fleet.db'));
  const prepare = db.prepare.bind(db);
  const texts: string[] = [];
  Object.assign(db, {
    prepare(sql: string) {
      texts.push(sql);
      return prepare(sql);
    },
  });
  prepareReads(db);
  prepareWrites(db);
  createRunLoader(db);
  expect(texts.length).toBeGreaterThan(20);
  for (const text of texts.filter((text) => !text.startsWith('PRAGMA') && !sums.test(text))) {
    const plan = prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`).all(...nulls(text));
    const scans = plan.filter(({ detail }) => /^SCAN (run|attempt|handle|run_spec)\b/.test(detail));
    const overAll = scans.filter(({ detail }) => !/INDEX (run_open|attempt_leased)\b/.test(detail));
    expect({ text, overAll }).toEqual({ text, overAll: [] });
  }
  db.close();
});

function nulls(text: string): null[] {
  return Array.from(text.matchAll(/\?/g), () => null);
}
