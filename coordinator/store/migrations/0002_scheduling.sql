-- Who has a run, and until when, is known by attempt: two of them may be under way. SQLite drops no column that
-- a CHECK names, so the table is made anew; what refers to it stays (migrate.ts).
ALTER TABLE attempt ADD COLUMN lease_until INTEGER;
ALTER TABLE attempt ADD COLUMN worker_id TEXT NOT NULL DEFAULT '';
UPDATE attempt SET worker_id = placement ->> 'worker_id';
UPDATE attempt SET lease_until = (SELECT lease_until FROM run WHERE run.arrival = attempt.arrival)
WHERE ended_at IS NULL;
CREATE INDEX attempt_leased ON attempt (worker_id, lease_until) WHERE ended_at IS NULL;

CREATE TABLE run_anew (
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
  preview TEXT,
  CHECK (attempt > 0 OR status NOT IN ('running', 'input_required')),
  CHECK ((ended_at IS NOT NULL) = (status IN ('completed', 'failed', 'cancelled')))
) STRICT;
INSERT INTO run_anew SELECT
  arrival, run_id, owner, task_id, request_key, seq, status, attempt, accepted_at, first_claimed_at,
  first_output_at, ended_at, cancel_requested, usage, question, decisions, outcome, error, preview
FROM run;
DROP TABLE run;
ALTER TABLE run_anew RENAME TO run;
CREATE UNIQUE INDEX run_request_key ON run (owner, request_key) WHERE request_key IS NOT NULL;
CREATE INDEX run_of_owner ON run (owner, seq);
CREATE INDEX run_of_task ON run (owner, task_id, seq);
CREATE INDEX run_open ON run (owner, task_id) WHERE ended_at IS NULL;

-- Of an attempt that began beside another of its run: which, and why (JSON). And who won over it.
ALTER TABLE attempt ADD COLUMN hedge TEXT;
ALTER TABLE attempt ADD COLUMN superseded_by INTEGER;

-- Not before then (ms since the epoch) is the run placed again; only on one that waits.
ALTER TABLE run ADD COLUMN not_before INTEGER;

-- What was decided after it ended, where the run was to go on: JSON.
ALTER TABLE attempt ADD COLUMN retry TEXT;

-- When the run last gave a sign of life there: JSON.
ALTER TABLE attempt ADD COLUMN liveness TEXT;

-- Which attempt put it out. Of a file of version 1 nobody knows any more: all count as the first's.
ALTER TABLE handle ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1 CHECK (attempt >= 1);

-- Workers that take nothing new until somebody says otherwise.
CREATE TABLE drained_worker (
  worker_id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What an attempt was given of the budgets of its run and task, and what it used of them.
ALTER TABLE attempt ADD COLUMN reserved TEXT;
ALTER TABLE attempt ADD COLUMN usage TEXT;
ALTER TABLE attempt ADD COLUMN active_ms INTEGER;

-- Why a run is cancelled that nobody named.
ALTER TABLE run ADD COLUMN cancel_reason TEXT;

-- One row a task with a budget. `runs` counts those it was given so far.
CREATE TABLE task_budget (
  owner TEXT NOT NULL,
  task_id TEXT NOT NULL,
  limits TEXT NOT NULL,
  runs INTEGER NOT NULL CHECK (runs >= 0),
  PRIMARY KEY (owner, task_id)
) STRICT, WITHOUT ROWID;
