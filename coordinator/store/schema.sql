-- Dumped from the migrations by the tests (vitest -u writes it anew); nothing reads it.

CREATE TABLE attempt (
  arrival INTEGER NOT NULL REFERENCES run (arrival) ON DELETE CASCADE,
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  placement TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  remote_run_id TEXT,
  claimed_at INTEGER NOT NULL,
  started_at INTEGER,
  first_output_at INTEGER,
  ended_at INTEGER,
  outcome TEXT,
  engine_thread_id TEXT,
  reaping TEXT,
  notes TEXT NOT NULL, lease_until INTEGER, worker_id TEXT NOT NULL DEFAULT '', hedge TEXT, superseded_by INTEGER, retry TEXT, liveness TEXT, reserved TEXT, usage TEXT, active_ms INTEGER, privacy TEXT, degraded TEXT,
  PRIMARY KEY (arrival, attempt),
  CHECK ((ended_at IS NULL) = (outcome IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX attempt_leased ON attempt (worker_id, lease_until) WHERE ended_at IS NULL;

CREATE TABLE counter (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  seq INTEGER NOT NULL
) STRICT;

CREATE TABLE drained_worker (
  worker_id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE "handle" (
  arrival INTEGER NOT NULL REFERENCES run (arrival) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  handle_id TEXT NOT NULL UNIQUE,
  worker_id TEXT NOT NULL,
  stream TEXT NOT NULL CHECK (stream IN ('stdout', 'stderr', 'events', 'last_message', 'diff', 'artifact')),
  name TEXT CHECK ((name IS NOT NULL) = (stream = 'artifact')),
  stage TEXT NOT NULL,
  media_type TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'sealed')),
  bytes INTEGER NOT NULL CHECK (bytes >= 0),
  lines INTEGER NOT NULL CHECK (lines >= 0),
  sha256 TEXT,
  truncated INTEGER NOT NULL CHECK (truncated IN (0, 1)),
  created_at INTEGER NOT NULL,
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  reused_bytes INTEGER CHECK (reused_bytes >= 1),
  PRIMARY KEY (arrival, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE owed (
  worker_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  attempts INTEGER NOT NULL CHECK (attempts >= 1),
  PRIMARY KEY (worker_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE "run" (
  arrival INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  task_id TEXT NOT NULL,
  request_key TEXT,
  seq INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (
    status IN ('pending', 'running', 'input_required', 'paused', 'completed', 'failed', 'cancelled')
  ),
  attempt INTEGER NOT NULL CHECK (attempt >= 0),
  accepted_at INTEGER NOT NULL,
  first_claimed_at INTEGER,
  first_output_at INTEGER,
  ended_at INTEGER,
  cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
  usage TEXT,
  question TEXT,
  decisions TEXT NOT NULL,
  outcome TEXT,
  error TEXT,
  preview TEXT, not_before INTEGER, cancel_reason TEXT,
  CHECK (attempt > 0 OR status NOT IN ('running', 'input_required')),
  CHECK ((ended_at IS NOT NULL) = (status IN ('completed', 'failed', 'cancelled')))
) STRICT;

CREATE INDEX run_ended ON run (ended_at) WHERE ended_at IS NOT NULL;

CREATE INDEX run_of_owner ON run (owner, seq);

CREATE INDEX run_of_task ON run (owner, task_id, seq);

CREATE INDEX run_open ON run (owner, task_id) WHERE ended_at IS NULL;

CREATE UNIQUE INDEX run_request_key ON run (owner, request_key) WHERE request_key IS NOT NULL;

CREATE TABLE run_spec (
  arrival INTEGER PRIMARY KEY REFERENCES run (arrival) ON DELETE CASCADE,
  spec TEXT NOT NULL
) STRICT;

CREATE TABLE task_budget (
  owner TEXT NOT NULL,
  task_id TEXT NOT NULL,
  limits TEXT NOT NULL,
  runs INTEGER NOT NULL CHECK (runs >= 0), spent TEXT,
  PRIMARY KEY (owner, task_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE told (
  arrival INTEGER PRIMARY KEY REFERENCES run (arrival) ON DELETE CASCADE,
  replies INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  counted_bytes INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  inline_tokens INTEGER CHECK (inline_tokens >= 0),
  inline_method TEXT CHECK (inline_method IN ('exact', 'sampled')),
  CHECK ((inline_tokens IS NULL) = (inline_method IS NULL))
) STRICT;

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

CREATE TABLE vault_scope (
  scope TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  key_version INTEGER NOT NULL CHECK (key_version >= 1),
  key_box BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX vault_scope_expiry ON vault_scope (expires_at);

CREATE TABLE vault_value (
  scope TEXT NOT NULL REFERENCES vault_scope (scope) ON DELETE CASCADE,
  surrogate TEXT NOT NULL,
  box BLOB NOT NULL,
  PRIMARY KEY (scope, surrogate)
) STRICT, WITHOUT ROWID;
