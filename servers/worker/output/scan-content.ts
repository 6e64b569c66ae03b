import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StoredContent } from '../../../platform/blobs/content.ts';
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
