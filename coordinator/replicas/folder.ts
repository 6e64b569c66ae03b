import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openBlobs, type Blobs } from '../../platform/blobs/blobs.ts';
import { makePrivateDir } from '../../platform/paths.ts';
import { readReplicaNote, replicaFiles, type ReplicaFiles } from '../../platform/replica-files.ts';
import type { ReplicaPlace } from '../../platform/replica-transfer.ts';
import { handleId as handleIdSchema } from '../../schemas/ids.ts';
import type { ReplicaNote } from '../../schemas/replica.ts';
import type { RunRecord } from '../store/run-store.ts';

/** The copies on disk, those that are whole and those that are wanted. */
export interface ReplicaFolder extends ReplicaPlace {
  /** Whether the copy is there, whole. */
  has(handleId: string): boolean;
  note(handleId: string): ReplicaNote | undefined;
  /** Notes what is wanted, or what became of it. */
  write(note: ReplicaNote): Promise<void>;
  /** Of all handles something is kept of. */
  list(): Promise<string[]>;
  remove(handleId: string): Promise<void>;
  /** Removes all there is of the handles of runs. */
  forget(runs: readonly Pick<RunRecord, 'handles'>[]): Promise<void>;
}

/** Nothing is made before it is needed: most fleets have no worker elsewhere. */
export function openReplicaFolder(dir: string, blobDir: string): ReplicaFolder {
  let blobs: Blobs | undefined;
  const files = (handleId: string): ReplicaFiles => replicaFiles(dir, handleId);
  async function remove(handleId: string): Promise<void> {
    const { note, part, content } = files(handleId);
    // The note last: what a crash leaves is still found by it.
    for (const path of [part, content, note]) await rm(path, { force: true });
  }
  return {
    blobs: () => (blobs ??= openBlobs(blobDir)),
    files,
    has: (handleId) => existsSync(files(handleId).content),
    note: (handleId) => readReplicaNote(dir, handleId),
    async write(note) {
      await mkdir(join(dir, '..'), { recursive: true, mode: 0o700 });
      makePrivateDir(dir);
      const path = files(note.handle.handle_id).note;
      await writeFile(`${path}.new`, JSON.stringify(note), { mode: 0o600 });
      await rename(`${path}.new`, path);
    },
    async list() {
      const names = await readdir(dir).catch(() => []);
      const ids = names.map((name) => name.split('.', 1)[0] ?? '');
      return [...new Set(ids)].filter((id) => handleIdSchema.safeParse(id).success);
    },
    remove,
    async forget(runs) {
      if (!existsSync(dir)) return;
      for (const { handles } of runs) for (const handle of handles) await remove(handle.handle_id);
    },
  };
}
