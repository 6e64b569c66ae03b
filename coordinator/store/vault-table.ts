import type { Database } from 'better-sqlite3';

export interface ScopeRow {
  scope: string;
  created_at: number;
  expires_at: number;
  key_version: number;
  key_box: Uint8Array;
}

export interface ValueRow {
  surrogate: string;
  box: Uint8Array;
}

/** One time values were put back, or that was refused. Counts by type are JSON. */
export interface RestoreRow {
  at: number;
  scope: string;
  run_id: string;
  handle_id: string | null;
  destination: string;
  allowed: number;
  restored: string;
  withheld: string;
  unknown: number;
}

/** What stands there already stays: the first of two processes that make a scope, or store a value, wins. */
export type VaultChange =
  | { do: 'open'; row: ScopeRow }
  | { do: 'put'; scope: string; values: readonly ValueRow[] }
  | { do: 'keep'; scope: string; expires_at: number }
  /** Under another master key; not where it is so already. */
  | { do: 'rewrap'; scope: string; key_version: number; key_box: Uint8Array }
  /** With all its values. */
  | { do: 'drop'; scope: string }
  /** Scopes whose time is over, and the record of what was put back up to `restoresTo`. */
  | { do: 'expire'; now: number; restoresTo: number }
  | { do: 'restored'; row: RestoreRow };

export interface VaultOperation {
  kind: 'vault';
  changes: readonly VaultChange[];
}

export function vaultWeight({ changes }: VaultOperation): number {
  return changes.reduce((sum, change) => sum + (change.do === 'put' ? change.values.length : 1), 0);
}

export interface VaultTable {
  /** Whether a key was deleted. */
  apply(operation: VaultOperation): boolean;
}

/** For the one connection that writes. */
export function createVaultTable(db: Database): VaultTable {
  // What is deleted is overwritten: a dropped key must not be found in the file.
  db.pragma('secure_delete = ON');
  const open = db.prepare(
    `INSERT INTO vault_scope (scope, created_at, expires_at, key_version, key_box)
     VALUES (@scope, @created_at, @expires_at, @key_version, @key_box) ON CONFLICT DO NOTHING`,
  );
  const put = db.prepare(
    'INSERT INTO vault_value (scope, surrogate, box) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const keep = db.prepare('UPDATE vault_scope SET expires_at = max(expires_at, ?) WHERE scope = ?');
  const rewrap = db.prepare(
    'UPDATE vault_scope SET key_version = ?, key_box = ? WHERE scope = ? AND key_version < ?',
  );
  const drop = db.prepare('DELETE FROM vault_scope WHERE scope = ?');
  const expire = db.prepare('DELETE FROM vault_scope WHERE expires_at <= ?');
  const forgetRestores = db.prepare('DELETE FROM vault_restore WHERE at <= ?');
  const restored = db.prepare(
    `INSERT INTO vault_restore
       (at, scope, run_id, handle_id, destination, allowed, restored, withheld, unknown)
     VALUES (@at, @scope, @run_id, @handle_id, @destination, @allowed, @restored, @withheld, @unknown)`,
  );

  /** Whether a key was deleted: it may still stand in the log beside the file. */
  function change(one: VaultChange): boolean {
    switch (one.do) {
      case 'open':
        open.run(one.row);
        return false;
      case 'put':
        for (const { surrogate, box } of one.values) put.run(one.scope, surrogate, box);
        return false;
      case 'keep':
        keep.run(one.expires_at, one.scope);
        return false;
      case 'rewrap':
        return rewrap.run(one.key_version, one.key_box, one.scope, one.key_version).changes > 0;
      case 'drop':
        return drop.run(one.scope).changes > 0;
      case 'expire':
        forgetRestores.run(one.restoresTo);
        return expire.run(one.now).changes > 0;
      case 'restored':
        restored.run(one.row);
        return false;
    }
  }
  return { apply: ({ changes }) => changes.filter(change).length > 0 };
}
