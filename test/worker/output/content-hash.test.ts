import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ContentHash, threadBytes } from '../../../servers/worker/output/content-hash.ts';
import { followFile } from '../../../servers/worker/output/file-hash.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { sha256 } from '../../suites/handle-store.suite.ts';

function openFile(name: string): number {
  const fd = openSync(join(scratchFolder(), name), 'w+');
  onTestFinished(() => closeSync(fd));
  return fd;
}

test('large files that grow at once have the hashes of what is in each', async () => {
  const files = Array.from({ length: 3 }, (_, at) => {
    const block = Buffer.alloc(1 << 20, `output ${String(at)}, `);
    const before = Buffer.from('what was there\n');
    const fd = openFile('grows');
    writeSync(fd, before);
    return { fd, block, before, written: before.length, hash: new ContentHash(fd, before) };
  });
  const blocks = threadBytes / (1 << 20) + 2;
  for (let at = 0; at < blocks; at += 1) {
    for (const file of files) {
      file.written += writeSync(file.fd, file.block);
      file.hash.push(file.block, file.written);
    }
  }
  const found = await Promise.all(files.map(({ hash, written }) => hash.digest(written)));
  const wanted = files.map(({ before, block }) =>
    sha256(Buffer.concat([before, ...Array.from({ length: blocks }, () => block)])),
  );
  expect(found).toEqual(wanted);
});

test('a file the thread cannot read has its hash taken without it, and the next one by another thread', async () => {
  const closed = openSync(join(scratchFolder(), 'closed'), 'w+');
  closeSync(closed);
  expect(await followFile(closed).digest(10)).toBeUndefined();
  const fd = openFile('there');
  writeSync(fd, 'all of it');
  expect(await followFile(fd).digest(9)).toBe(sha256('all of it'));
  // Shorter than it was said to be.
  expect(await followFile(fd).digest(10)).toBeUndefined();
  const block = Buffer.alloc(threadBytes, 'x');
  const hash = new ContentHash(fd, Buffer.from('all of it'));
  // The thread dies of the file it is told of first.
  const dying = followFile(closed).digest(1);
  writeSync(fd, block);
  hash.push(block, 9 + block.length);
  const [, found] = await Promise.all([dying, hash.digest(9 + block.length)]);
  expect(found).toBe(sha256(Buffer.concat([Buffer.from('all of it'), block])));
});
