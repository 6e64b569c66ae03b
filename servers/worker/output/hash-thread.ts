import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort, type MessagePort } from 'node:worker_threads';

/** The file behind `fd` is now `bytes` long; `isEnd`: and stays so. */
export interface HashRequest {
  id: number;
  fd: number;
  bytes: number;
  isEnd: boolean;
}

export interface HashAnswer {
  id: number;
  /** undefined where the file was shorter than it was said to be. */
  sha256: string | undefined;
}

/** As much as stays in the processor's own memory. */
const blockBytes = 128 * 1024;

/** The thread that hashes large files while they grow, from what the system has in memory of them anyway. */
function serve(port: MessagePort): void {
  const block = Buffer.allocUnsafeSlow(blockBytes);
  const hashes = new Map<number, { hash: Hash; at: number }>();
  port.on('message', ({ id, fd, bytes, isEnd }: HashRequest) => {
    const one = hashes.get(id) ?? { hash: createHash('sha256'), at: 0 };
    hashes.set(id, one);
    while (one.at < bytes) {
      const read = readSync(fd, block, 0, Math.min(blockBytes, bytes - one.at), one.at);
      if (read === 0) break;
      one.hash.update(block.subarray(0, read));
      one.at += read;
    }
    if (!isEnd) return;
    hashes.delete(id);
    const answer: HashAnswer = { id, sha256: one.at === bytes ? one.hash.digest('hex') : undefined };
    port.postMessage(answer);
  });
}

if (parentPort !== null) serve(parentPort);
