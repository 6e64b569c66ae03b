import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';

export interface TemporaryFolder {
  path: string;
  remove: () => Promise<void>;
}

/** A folder with a short path: sockets are made in it. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'cf-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
