-- A scope has its own key, encrypted by the master key of this version; without it nothing of the scope can be read.
CREATE TABLE vault_scope (
  scope TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  key_version INTEGER NOT NULL CHECK (key_version >= 1),
  key_box BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX vault_scope_expiry ON vault_scope (expires_at);

-- What stood where a surrogate is, encrypted under the key of its scope.
CREATE TABLE vault_value (
  scope TEXT NOT NULL REFERENCES vault_scope (scope) ON DELETE CASCADE,
  surrogate TEXT NOT NULL,
  box BLOB NOT NULL,
  PRIMARY KEY (scope, surrogate)
) STRICT, WITHOUT ROWID;

-- Every time values were put back, or that was refused: who asked, where to, how many of which type (JSON). No values.
CREATE TABLE vault_restore (
  restore_id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  scope TEXT NOT NULL,
  run_id TEXT NOT NULL,
  handle_id TEXT,
  destination TEXT NOT NULL,
  allowed INTEGER NOT NULL CHECK (allowed IN (0, 1)),
  restored TEXT NOT NULL,
  withheld TEXT NOT NULL,
  unknown INTEGER NOT NULL CHECK (unknown >= 0)
) STRICT;
CREATE INDEX vault_restore_of_run ON vault_restore (run_id);

-- What the guard did in an attempt: JSON.
ALTER TABLE attempt ADD COLUMN privacy TEXT;
