-- Layers of the sandbox and of limits an attempt went without, or with less: JSON.
ALTER TABLE attempt ADD COLUMN degraded TEXT;
