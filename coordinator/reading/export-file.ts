import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { FleetError } from '../../core/errors.ts';
import type { Pace } from '../../platform/pace.ts';
import type { Folder } from '../manifest/folder.ts';
import { readBytes, type Page, type RemoteHandle } from '../../core/remote-bytes.ts';

/** More than a long page holds: it answers what fits. */
const askedBytes = 1_000_000;
const hashBlockBytes = 1 << 20;

export interface Exported {
  /** The last page read: how the handle stands. */
  page: Page;
  /** Bytes in the file. */
  written: number;
  /** Of the whole file, once it is one. */
  sha256: string | undefined;
}

/**
 * Copies a handle page by page into `folder/name`, beside it at first, as far as the time allows;
 * `from` goes on with an earlier copy. The file takes its name once it is whole and its hash is that
 * of the handle. What stands there by that name is replaced, never followed.
 */
export async function exportFile(
  handle: RemoteHandle,
  place: { folder: Folder; name: string; from: number },
  pace: Pace,
): Promise<Exported> {
  const { folder, name } = place;
  const part = `.${name}.part`;
  const file = await folder.openPart(part);
  try {
    const begun = Math.min(place.from, (await file.stat()).size);
    await file.truncate(begun);
    const { page, written } = await copy(handle, file, begun, pace);
    if (written < page.bytes && page.to_byte < page.bytes) return { page, written, sha256: undefined };
    const sha256 = await hashOf(file, pace);
    if (page.sha256 !== undefined && page.sha256 !== sha256) {
      await file.truncate(0);
      throw new FleetError('INTERNAL', 'The copy is not what the worker keeps.', {
        next: 'Export it again.',
      });
    }
    await folder.rename(part, name);
    return { page, written, sha256 };
  } finally {
    await file.close();
  }
}

async function copy(
  handle: RemoteHandle,
  file: FileHandle,
  from: number,
  pace: Pace,
): Promise<{ page: Page; written: number }> {
  let written = from;
  let coming = readBytes(handle, written, askedBytes);
  for (;;) {
    const { page, bytes } = await coming;
    const next = written + bytes.length;
    const isLast = next >= page.bytes || bytes.length === 0 || !pace.mayGoOn();
    // The next page is on its way while this one is written.
    if (!isLast) {
      coming = readBytes(handle, next, askedBytes);
      coming.catch(() => undefined);
    }
    await file.write(bytes, 0, bytes.length, written);
    written = next;
    if (isLast) return { page, written };
    await pace.breathe();
  }
}

async function hashOf(file: FileHandle, pace: Pace): Promise<string> {
  const hash = createHash('sha256');
  const block = Buffer.allocUnsafe(hashBlockBytes);
  for (let offset = 0; ;) {
    const { bytesRead } = await file.read(block, 0, block.length, offset);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(block.subarray(0, bytesRead));
    offset += bytesRead;
    await pace.breathe();
  }
}
