import { createHash } from 'node:crypto';
import type { Blobs } from '../../../platform/blobs/blobs.ts';
import { openContent } from '../../../platform/blobs/content.ts';
import type { FileContent, StoredContent } from '../../../platform/blobs/stored-content.ts';

/**
 * Opens the content of a sealed handle. A file with several names is the handle's only if it is the
 * blob of its hash, or has that hash itself: where a blob was freed in the instant it was referred to.
 */
export function openSealed(
  path: string,
  { bytes, sha256 }: { bytes: number; sha256?: string | undefined },
  blobs: Blobs | undefined,
): FileContent | undefined {
  const content = openContent(path, bytes);
  if (content === undefined || content.stat.nlink === 1 || sha256 === undefined) return content;
  if (blobs?.holds(sha256, content.stat) === true || hashNow(content) === sha256) return content;
  content.close();
  return undefined;
}

function hashNow(content: StoredContent): string {
  const hash = createHash('sha256');
  const block = Buffer.allocUnsafe(1 << 20);
  for (let at = 0; at < content.size; at += block.length) {
    hash.update(block.subarray(0, content.readInto(at, block)));
  }
  return hash.digest('hex');
}
