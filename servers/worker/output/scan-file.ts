import { createHash } from 'node:crypto';
import { closeSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { openForRead } from './handle-files.ts';
import { LineIndex } from './line-index.ts';

const blockBytes = 1 << 20;
const readBlock = promisify(read);

/** Reads a handle's file once, off the event loop, for its line index and hash. A missing file is an empty one. */
export async function scanFile(path: string): Promise<{ index: LineIndex; sha256: string }> {
  const index = new LineIndex();
  const hash = createHash('sha256');
  const file = openForRead(path);
  if (file !== undefined) {
    const block = Buffer.allocUnsafe(Math.min(blockBytes, file.size + 1));
    try {
      for (;;) {
        const { bytesRead } = await readBlock(file.fd, block, 0, block.length, index.bytes);
        if (bytesRead === 0) break;
        index.push(block.subarray(0, bytesRead));
        hash.update(block.subarray(0, bytesRead));
      }
    } finally {
      closeSync(file.fd);
    }
  }
  return { index, sha256: hash.digest('hex') };
}
