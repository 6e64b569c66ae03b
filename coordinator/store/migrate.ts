import type { Database } from 'better-sqlite3';
import { readdirSync, readFileSync } from 'node:fs';
import { FleetError } from '../../core/errors.ts';

/** Marks a file as ours (`PRAGMA application_id`): "cflt". */
const applicationId = 0x63666c74;
const folder = new URL('./migrations/', import.meta.url);

/** The numbered files of migrations/, as SQL in their order; the n-th leads to `user_version` n. */
export function migrations(): string[] {
  const names = readdirSync(folder).filter((name) => /^\d{4}_\w+\.sql$/.test(name));
  return names.sort().map((name) => readFileSync(new URL(name, folder), 'utf8'));
}

/** Brings a file up to the last of `steps`, each in a transaction of its own that also counts it. Throws as versionOf does. */
export function migrate(db: Database, steps: readonly string[]): void {
  const found = versionOf(db, steps.length);
  // Else a table that is made anew would take with it all that refers to it. Takes no effect in a transaction.
  db.pragma('foreign_keys = OFF');
  try {
    for (const [at, step] of steps.entries()) if (at >= found) applyStep(db, step, at + 1);
  } finally {
    db.pragma('foreign_keys = ON');
  }
}

/** How many steps a file has behind it. WRONG_STATE for one of a program that knows more, or of another program. */
export function versionOf(db: Database, known: number): number {
  const found = version(db);
  checkOurs(db, found);
  if (found <= known) return found;
  throw new FleetError(
    'WRONG_STATE',
    `The database ${db.name} was written by a newer codex-fleet (its schema is ${found}, this one knows ${known}).`,
    {
      next: 'Install that newer codex-fleet again, or name another state folder in CODEX_FLEET_STATE_DIR.',
    },
  );
}

function applyStep(db: Database, step: string, target: number): void {
  db.transaction(() => {
    // Another process may have taken this step while we waited for the transaction.
    if (version(db) >= target) return;
    db.exec(step);
    const broken = db.pragma('foreign_key_check');
    if (Array.isArray(broken) && broken.length > 0)
      throw new Error(`Step ${target} left rows without theirs.`);
    db.pragma(`application_id = ${applicationId}`);
    db.pragma(`user_version = ${target}`);
  }).immediate();
}

function checkOurs(db: Database, found: number): void {
  if (db.pragma('application_id', { simple: true }) === applicationId) return;
  const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (found === 0 && tables === 0) return;
  throw new FleetError('WRONG_STATE', `${db.name} is a database of another program.`, {
    next: 'Move that file away, or name another state folder in CODEX_FLEET_STATE_DIR.',
  });
}

function version(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}
