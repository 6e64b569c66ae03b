-- Files a run declares are handles with a name. SQLite changes no CHECK, so the table is made anew.
CREATE TABLE handle_anew (
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
INSERT INTO handle_anew SELECT
  arrival, position, handle_id, worker_id, stream, NULL, stage, media_type, state, bytes, lines, sha256, truncated,
  created_at, attempt, NULL
FROM handle;
DROP TABLE handle;
ALTER TABLE handle_anew RENAME TO handle;

-- What is forgotten first.
CREATE INDEX run_ended ON run (ended_at) WHERE ended_at IS NOT NULL;

-- Runs the fleet has forgotten, and a worker not yet: by the number of their attempts.
CREATE TABLE owed (
  worker_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  attempts INTEGER NOT NULL CHECK (attempts >= 1),
  PRIMARY KEY (worker_id, run_id)
) STRICT, WITHOUT ROWID;

-- What forgotten runs of the task have used of its budget: JSON.
ALTER TABLE task_budget ADD COLUMN spent TEXT;
