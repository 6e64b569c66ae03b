-- Not before then (ms since the epoch) is the run placed again; only on one that waits.
ALTER TABLE run ADD COLUMN not_before INTEGER;

-- What was decided after it ended, where the run was to go on: JSON.
ALTER TABLE attempt ADD COLUMN retry TEXT;

-- Which attempt put it out. Of a file of version 1 nobody knows any more: all count as the first's.
ALTER TABLE handle ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1 CHECK (attempt >= 1);

-- Workers that take nothing new until somebody says otherwise.
CREATE TABLE drained_worker (
  worker_id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
