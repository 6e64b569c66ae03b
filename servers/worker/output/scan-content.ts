import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Blobs } from '../../../platform/blobs/blobs.ts';
import { openUnknown } from '../../../platform/blobs/content.ts';
import type { StoredContent } from '../../../platform/blobs/stored-content.ts';
import { LineIndex } from './line-index.ts';

const blockBytes = 1 << 20;

/** Reads a content once, by blocks between which calls are served. A missing one is an empty one. */
export async function scanContent(content: StoredContent | undefined): Promise<LineIndex> {
  return (await scan(content, () => undefined)).index;
}

/** The same, and its hash. */
export async function scanAndHash(
  content: StoredContent | undefined,
): Promise<{ index: LineIndex; sha256: string }> {
  const hash = createHash('sha256');
  const { index } = await scan(content, (block) => hash.update(block));
  return { index, sha256: hash.digest('hex') };
}

/**
 * What a dead process left under a name. A file with several names is what it seems only if it is the blob
 * of its hash: that process had already shared it, perhaps with a compressed one.
 */
export async function scanLeft(
  path: string,
  blobs: Blobs | undefined,
): Promise<{ index: LineIndex; sha256: string }> {
  for (const form of ['plain', 'framed'] as const) {
    const content = openUnknown(path, form);
    if (content === undefined) continue;
    try {
      const found = await scanAndHash(content);
      const isOwn = form === 'plain' && content.stat.nlink === 1;
      if (isOwn || blobs?.holds(found.sha256, content.stat) === true) return found;
    } finally {
      content.close();
    }
  }
  return scanAndHash(undefined);
}

async function scan(
  content: StoredContent | undefined,
  onBlock: (block: Buffer) => unknown,
): Promise<{ index: LineIndex }> {
  const index = new LineIndex();
  if (content === undefined) return { index };
  const block = Buffer.allocUnsafe(Math.min(blockBytes, content.size + 1));
  for (;;) {
    const read = content.readInto(index.bytes, block);
    if (read === 0) return { index };
    index.push(block.subarray(0, read));
    onBlock(block.subarray(0, read));
    await nextTurn();
  }
}
