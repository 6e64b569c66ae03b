import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { openBlobs, type Blobs } from '../../../platform/blobs/blobs.ts';
import { openContent } from '../../../platform/blobs/content.ts';
import { failpointNames } from '../../../platform/failpoint.ts';
import { openFileHandleStore } from '../../../servers/worker/output/file-handle-store.ts';
import { dieAt } from '../../helpers/failpoints.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { defaults, lineStarts } from '../../suites/handle-store.suite.ts';

const content = Buffer.from(
  Array.from({ length: 30_000 }, (_, at) => `line ${at} took ${(at * 7919) % 1009} ms\n`).join(''),
);
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const hash = sha(content);

let dir: string;
let blobs: Blobs;
beforeEach(() => {
  dir = scratchFolder();
  blobs = openBlobs(join(dir, 'blobs'));
});

const path = (name: string): string => join(dir, name);
const framedPath = (): string => join(dir, 'blobs', hash.slice(0, 2), `${hash}.br`);
const write = (name: string, bytes: Uint8Array = content): string => {
  writeFileSync(path(name), bytes, { mode: 0o600 });
  return path(name);
};
const adopt = (name: string) => blobs.adopt(write(name), hash, content.length);
const compress = (name: string) => blobs.compress(path(name), hash, content.length);
function read(name: string, offset = 0, length = content.length): Buffer {
  const stored = openContent(path(name), content.length);
  const target = Buffer.alloc(length);
  const filled = stored?.readInto(offset, target) ?? 0;
  stored?.close();
  return target.subarray(0, filled);
}

describe('compressed blobs', () => {
  it('answer for any range the bytes there were', async () => {
    await adopt('one');
    expect(await compress('one')).toBe(true);
    expect(statSync(path('one')).size).toBeLessThan(content.length / 2);
    fc.assert(
      fc.property(fc.nat(content.length + 10), fc.nat(600_000), (offset, length) => {
        expect(read('one', offset, length).equals(content.subarray(offset, offset + length))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('are shared by all that hold the content, and what held it before is freed', async () => {
    await adopt('one');
    await adopt('two');
    expect(await compress('one')).toBe(true);
    expect(read('two').equals(content)).toBe(true);
    expect((await blobs.usage()).files).toBe(2);
    expect(await compress('two')).toBe(true);
    expect(await compress('two')).toBe(true);
    expect(statSync(path('one')).ino).toBe(statSync(path('two')).ino);
    expect(readdirSync(dirname(framedPath()))).toEqual([`${hash}.br`]);
    // Also of those that come later.
    expect(await adopt('three')).toEqual({ reused: true });
    expect(await blobs.link(hash, content.length, path('four'))).toBe(true);
    expect(blobs.has(hash, content.length)).toBe(true);
    for (const name of ['three', 'four']) {
      expect(read(name).equals(content)).toBe(true);
      expect(blobs.holds(hash, statSync(path(name)))).toBe(true);
    }
    expect(statSync(framedPath()).nlink).toBe(5);
    for (const name of ['one', 'two', 'three', 'four']) rmSync(path(name));
    expect(await blobs.collect()).toMatchObject({ files: 1 });
  });

  it('are not made of what does not get smaller, is not what it should be, or has to wait', async () => {
    const noise = randomBytes(300_000);
    write('noise', noise);
    expect(await blobs.compress(path('noise'), sha(noise), noise.length)).toBe(false);
    write('wrong', Buffer.from(content).fill('x', 5, 6));
    expect(await compress('wrong')).toBe(false);
    write('one');
    expect(await blobs.compress(path('one'), hash, content.length, () => false)).toBe(false);
    expect(existsSync(framedPath())).toBe(false);
    expect((await blobs.usage()).files).toBe(0);
    expect(read('one').equals(content)).toBe(true);
  });

  it('that are damaged are never taken for the content, and made anew', async () => {
    await adopt('one');
    await compress('one');
    write('two');
    const size = statSync(framedPath()).size;
    for (const damage of [Buffer.alloc(size, 'x'), Buffer.alloc(10)]) {
      rmSync(dirname(framedPath()), { recursive: true });
      mkdirSync(dirname(framedPath()), { mode: 0o700 });
      writeFileSync(framedPath(), damage);
      expect(await blobs.link(hash, content.length, path('linked'))).toBe(false);
      expect(await blobs.adopt(path('two'), hash, content.length)).toEqual({ reused: false });
      expect(read('two').equals(content)).toBe(true);
    }
  });

  const names = failpointNames.filter((name) => /^blob\.(frames|swap)\./.test(name));
  it.each(names)('a process that dies at %s while it compresses leaves the whole content', async (name) => {
    await adopt('one');
    dieAt({ name, folder: dir }, 'die-in-blobs.mjs', [dir, 'one', hash, String(content.length), 'compress']);
    expect(read('one').equals(content)).toBe(true);
    expect(await compress('one')).toBe(true);
    expect(read('one').equals(content)).toBe(true);
    await blobs.collect({ leftoverMs: 0 });
    expect(readdirSync(dirname(framedPath()))).toEqual([`${hash}.br`]);
    expect(statSync(framedPath()).nlink).toBe(2);
  });
});

describe('cold outputs of a store', () => {
  it('take less room and are read as before, also by the next process', async () => {
    const store = await openFileHandleStore(join(dir, 'w1'), blobs);
    const sealed = async () => {
      const writer = store.create(defaults);
      for (let at = 0; at < content.length; at += 60_000) writer.append(content.subarray(at, at + 60_000));
      return writer.seal({ truncated: false });
    };
    const [cold, gone] = [await sealed(), await sealed()];
    const open = store.create(defaults);
    open.append(Buffer.alloc(100_000, 'still written\n'));
    await store.compressCold(Date.now() - 60_000, () => true);
    expect(statSync(join(dir, 'w1', cold.handle_id)).size).toBe(content.length);
    // A minute and a moment later.
    await store.compressCold(Date.now() + 1_000, () => true);
    await store.delete(gone.handle_id);
    expect(await blobs.usage()).toMatchObject({ files: 1 });
    expect((await blobs.usage()).bytes).toBeLessThan(content.length / 2);
    expect(statSync(join(dir, 'w1', open.handle_id)).size).toBe(100_000);
    const again = await sealed();
    expect(again.reused_bytes).toBe(content.length);
    const starts = lineStarts(content);
    for (const reader of [store, await openFileHandleStore(join(dir, 'w1'), blobs)]) {
      for (const { handle_id: id } of [cold, again]) {
        expect((await reader.read(id, 0, 1e9)).equals(content)).toBe(true);
        for (const line of [1, 300, 20_000]) expect(await reader.lineOffset(id, line)).toBe(starts[line - 1]);
      }
    }
  });

  it('are found by the next process also where one died while it shared a compressed one', async () => {
    const store = await openFileHandleStore(join(dir, 'w1'), blobs);
    await adopt('one');
    await compress('one');
    const writer = store.create(defaults);
    writer.append(content);
    // All but its line in the journal.
    await blobs.adopt(join(dir, 'w1', writer.handle_id), hash, content.length);
    const next = await openFileHandleStore(join(dir, 'w1'), blobs);
    expect(next.stat(writer.handle_id)).toMatchObject({
      bytes: content.length,
      sha256: hash,
      truncated: true,
    });
    expect((await next.read(writer.handle_id, 0, 1e9)).equals(content)).toBe(true);
  });
});
