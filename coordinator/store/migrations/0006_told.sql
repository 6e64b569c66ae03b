-- What reached agents of a run: replies, their bytes, and the tokens of those bytes that were counted; and the
-- tokens of all it put out, where they were counted.
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
