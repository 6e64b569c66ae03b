import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { FleetError } from '../core/errors.ts';
import { readBytes, type RemoteHandle } from '../core/remote-bytes.ts';
import type { ReplicaNote } from '../schemas/replica.ts';
import type { Blobs } from './blobs/blobs.ts';
import { failpoint } from './failpoint.ts';
import type { ReplicaFiles } from './replica-files.ts';

/** Where copies are kept. */
export interface ReplicaPlace {
  blobs(): Blobs;
  files(handleId: string): ReplicaFiles;
}

/** What one page takes of memory here, about: 192 KiB of content are 256 KiB of base64. */
const pageBytes = 192 * 1024;
const blockBytes = 1 << 18;

/**
 * Copies a sealed handle into the folder, page by page, from where an earlier try stopped. A content
 * that is here already by its hash is linked to, and nothing is fetched. Answers whether the copy
 * stands: false where what came has another hash than the worker says, and was thrown away.
 */
export async function transfer(
  source: RemoteHandle,
  note: ReplicaNote,
  folder: ReplicaPlace,
): Promise<boolean> {
  const { handle_id: id, sha256, bytes } = note.handle;
  const { part, content } = folder.files(id);
  const blobs = folder.blobs();
  if (blobs.has(sha256, bytes) && (await blobs.link(sha256, bytes, content))) {
    await rm(part, { force: true });
    return true;
  }
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  const file = await open(part, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    if ((await fill(file, source, bytes)) !== sha256) {
      await file.truncate(0);
      return false;
    }
    await file.datasync();
  } finally {
    await file.close();
  }
  failpoint('replica.adopt.before');
  await blobs.adopt(part, sha256, bytes);
  failpoint('replica.adopt.after');
  await rename(part, content);
  return true;
}

/** Reads what is there for its hash, then fetches the rest; the hash of it all. */
async function fill(file: FileHandle, source: RemoteHandle, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const { size } = await file.stat();
  if (size > bytes) await file.truncate(0);
  let at = size > bytes ? 0 : size;
  const block = Buffer.allocUnsafe(Math.min(blockBytes, at));
  for (let from = 0; from < at;) {
    const { bytesRead } = await file.read(block, 0, Math.min(block.length, at - from), from);
    if (bytesRead === 0) break;
    hash.update(block.subarray(0, bytesRead));
    from += bytesRead;
  }
  while (at < bytes) {
    source.signal.throwIfAborted();
    const { bytes: page } = await readBytes(source, at, Math.min(pageBytes, bytes - at));
    if (page.length === 0) throw new FleetError('INTERNAL', 'The worker has less of it than it said.');
    const kept = page.subarray(0, bytes - at);
    failpoint('replica.bytes.before');
    await file.write(kept, 0, kept.length, at);
    failpoint('replica.bytes.after');
    hash.update(kept);
    at += kept.length;
  }
  return hash.digest('hex');
}
