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
