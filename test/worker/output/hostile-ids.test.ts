import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { handleId } from '../../../schemas/ids.ts';
import { openBlobs } from '../../../platform/blobs/blobs.ts';
import { openFileHandleStore } from '../../../servers/worker/output/file-handle-store.ts';
import { readHandle } from '../../../servers/worker/output/read/read-handle.ts';
import { hostileIds } from '../../helpers/hostile-ids.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { defaults } from '../../suites/handle-store.suite.ts';

it('accepts none of the hostile ids, whatever was put in its folder', async () => {
  const dir = scratchFolder();
  const folder = join(dir, 'handles');
  const store = await openFileHandleStore(folder, openBlobs(join(dir, 'blobs')));
  const writer = store.create(defaults);
  writer.append(Buffer.alloc(10_000, 'a secret\n'));
  await writer.seal({ truncated: false });
  const content = readFileSync(join(folder, writer.handle_id));

  // Ids of the right form with something behind them, which the store never made.
  const secret = join(dir, 'secret');
  writeFileSync(secret, 'a secret');
  const planted = ['s', 'h', 'f', 'd', 'p'].map((letter) => `hdl_${letter.repeat(21)}`);
  const [soft = '', hard = '', pipe = '', directory = '', plain = ''] = planted.map((id) => join(folder, id));
  symlinkSync(secret, soft);
  linkSync(secret, hard);
  execFileSync('mkfifo', [pipe]);
  mkdirSync(directory);
  writeFileSync(plain, 'a secret');

  expect(hostileIds.length).toBeGreaterThanOrEqual(200);
  let accepted = 0;
  for (const id of [...hostileIds, ...planted]) {
    const read = readHandle(store, { handle_id: id, mode: 'bytes' }, new AbortController().signal);
    const outcomes = await Promise.allSettled([read, store.read(id, 0, 10), store.lineOffset(id, 1)]);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') accepted += 1;
      else expect(outcome.reason, id).toMatchObject({ code: 'NOT_FOUND' });
    }
    if (store.stat(id) !== undefined || store.runOf(id) !== undefined) accepted += 1;
    await store.delete(id);
  }
  expect(accepted).toBe(0);
  // And no caller gets as far as the store with one.
  expect(hostileIds.filter((id) => handleId.safeParse(id).success)).toEqual([]);
  expect(readFileSync(secret, 'utf8')).toBe('a secret');
  expect((await store.read(writer.handle_id, 0, 1e5)).equals(content)).toBe(true);
});
