import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { openBlobs, type Blobs } from '../../../platform/blobs/blobs.ts';
import { failpointNames } from '../../../platform/failpoint.ts';
import { dieAt } from '../../helpers/failpoints.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

const content = Buffer.from('what a run printed\n'.repeat(200_000));
const hash = createHash('sha256').update(content).digest('hex');

let dir: string;
let blobs: Blobs;
beforeEach(() => {
  dir = scratchFolder();
  blobs = openBlobs(join(dir, 'blobs'));
});

const path = (name: string): string => join(dir, name);
const blobPath = (sha256 = hash): string => join(dir, 'blobs', sha256.slice(0, 2), sha256);
const write = (name: string, bytes: Uint8Array = content): string => {
  writeFileSync(path(name), bytes, { mode: 0o600 });
  return path(name);
};
const adopt = (name: string) => blobs.adopt(write(name), hash, content.length);

describe('blobs', () => {
  it('stores a content once, whoever brings it, and counts its references', async () => {
    expect(await adopt('one')).toEqual({ reused: false });
    expect(await adopt('two')).toEqual({ reused: true });
    expect(await blobs.adopt(path('two'), hash, content.length)).toEqual({ reused: false });
    expect(statSync(path('one')).ino).toBe(statSync(path('two')).ino);
    expect(statSync(blobPath()).nlink).toBe(3);
    expect(readFileSync(path('two')).equals(content)).toBe(true);
    expect(await blobs.usage()).toEqual({ files: 1, bytes: content.length });
    expect(statSync(join(dir, 'blobs')).mode & 0o777).toBe(0o700);
    expect(statSync(dirname(blobPath())).mode & 0o777).toBe(0o700);
  });

  it('gives a name to what it has, and to nothing else', async () => {
    await adopt('one');
    expect(blobs.has(hash, content.length)).toBe(true);
    expect(blobs.has(hash, content.length - 1)).toBe(false);
    expect(await blobs.link(hash, content.length, path('linked'))).toBe(true);
    expect(readFileSync(path('linked')).equals(content)).toBe(true);
    expect(await blobs.link(hash, content.length, path('linked'))).toBe(false);
    expect(await blobs.link('0'.repeat(64), content.length, path('other'))).toBe(false);
    expect(existsSync(path('other'))).toBe(false);
    expect(() => blobs.has('../../etc', 1)).toThrow(RangeError);
  });

  it('frees what nobody refers to, and nothing else', async () => {
    await adopt('one');
    await adopt('two');
    rmSync(path('one'));
    writeFileSync(join(dirname(blobPath()), 'not-a-blob'), 'x');
    expect(await blobs.collect()).toEqual({ files: 0, bytes: 0 });
    rmSync(path('two'));
    expect(await blobs.collect({ dryRun: true })).toEqual({ files: 1, bytes: content.length });
    expect(existsSync(blobPath())).toBe(true);
    expect(await blobs.collect()).toEqual({ files: 1, bytes: content.length });
    expect(readdirSync(dirname(blobPath()))).toEqual(['not-a-blob']);
    expect(await blobs.usage()).toEqual({ files: 0, bytes: 0 });
  });

  const names = failpointNames.filter((name) => /^blob\.(link|swap)\./.test(name));
  it.each(names)('a process that dies at %s leaves every name its whole content', async (name) => {
    await adopt('one');
    write('two');
    dieAt({ name, folder: dir }, 'die-in-blobs.mjs', [dir, 'two', hash, String(content.length)]);
    for (const file of ['one', 'two']) expect(readFileSync(path(file)).equals(content), file).toBe(true);
    // The next process makes good what is left to do.
    await blobs.adopt(path('two'), hash, content.length);
    expect(statSync(path('one')).ino).toBe(statSync(path('two')).ino);
    await blobs.collect({ leftoverMs: 0 });
    expect(readdirSync(dirname(blobPath()))).toEqual([hash]);
    expect(statSync(blobPath()).nlink).toBe(3);
    rmSync(path('one'));
    rmSync(path('two'));
    expect(await blobs.collect()).toMatchObject({ files: 1 });
  });

  it('a process that dies while it frees one takes it from nobody', async () => {
    await adopt('one');
    rmSync(path('one'));
    dieAt({ name: 'blob.free.torn', folder: dir }, 'die-in-blobs.mjs', [dir, 'one', hash, '0', 'collect']);
    const [freed = ''] = readdirSync(dirname(blobPath()));
    expect(freed).toMatch(/^\.freed-/);
    // Somebody had got it in the instant before.
    linkSync(join(dirname(blobPath()), freed), path('late'));
    await blobs.collect({ leftoverMs: 0 });
    expect(statSync(blobPath()).ino).toBe(statSync(path('late')).ino);
    expect(readdirSync(dirname(blobPath()))).toEqual([hash]);
    rmSync(path('late'));
    expect(await blobs.collect()).toEqual({ files: 1, bytes: content.length });
    expect(readdirSync(dirname(blobPath()))).toEqual([]);
  });

  it('begins another file where one has as many names as the file system gives it', async () => {
    const small = Buffer.alloc(5_000, 'the same\n');
    const sha256 = createHash('sha256').update(small).digest('hex');
    const take = (name: string) => blobs.adopt(write(name, small), sha256, small.length);
    await take('one');
    // ext4 has 65,000; where there is no such bound, nothing else is to be shown.
    mkdirSync(path('names'));
    let names = 2;
    try {
      for (; names < 65_001; names += 1) linkSync(path('one'), join(path('names'), String(names)));
    } catch {
      expect(names).toBeGreaterThan(1_000);
    }
    await take('two');
    await take('three');
    expect(statSync(path('two')).ino).toBe(statSync(path('three')).ino);
    expect(statSync(blobPath(sha256)).ino).toBe(statSync(path('three')).ino);
  });

  it('takes the same content of several processes at once', async () => {
    const files = Array.from({ length: 6 }, (_, at) => `file-${at}`);
    for (const name of files) write(name);
    const fixture = join(import.meta.dirname, '../../fixtures/die-in-blobs.mjs');
    const run = promisify(execFile);
    const told = await Promise.all(
      files.map((name) => run(process.execPath, [fixture, dir, name, hash, String(content.length)])),
    );
    const reused = told.map(({ stdout }): unknown => JSON.parse(stdout));
    expect(reused.filter((one) => JSON.stringify(one) === '{"reused":false}')).toHaveLength(1);
    expect(new Set(files.map((name) => statSync(path(name)).ino)).size).toBe(1);
    expect(statSync(blobPath()).nlink).toBe(1 + files.length);
    expect(readdirSync(dirname(blobPath()))).toEqual([hash]);
  });

  const other = Buffer.from(content).fill('x', 100, 101);
  const plant: Record<string, (target: string) => void> = {
    'a symbolic link': (target) => symlinkSync(write('planted'), target),
    'a pipe': (target) => void execFileSync('mkfifo', [target]),
    'a hard link to other content': (target) => linkSync(write('planted', other), target),
    'content of another size': (target) => writeFileSync(target, 'short'),
    'content of the same size': (target) => writeFileSync(target, other),
  };
  it.each(Object.keys(plant))('takes nothing for a blob that is none: %s', async (what) => {
    mkdirSync(dirname(blobPath()), { mode: 0o700 });
    plant[what]?.(blobPath());
    expect(await blobs.link(hash, content.length, path('linked'))).toBe(false);
    expect(await adopt('one')).toEqual({ reused: false });
    expect(readFileSync(path('one')).equals(content)).toBe(true);
    expect(statSync(blobPath()).ino).toBe(statSync(path('one')).ino);
    expect(await blobs.link(hash, content.length, path('linked'))).toBe(true);
  });

  it('leaves a folder in the place of a blob alone, and the file as it is', async () => {
    mkdirSync(blobPath(), { recursive: true, mode: 0o700 });
    writeFileSync(join(blobPath(), 'kept'), '');
    expect(await adopt('one')).toEqual({ reused: false });
    expect(readFileSync(path('one')).equals(content)).toBe(true);
    expect(blobs.has(hash, content.length)).toBe(false);
    expect(await blobs.collect({ leftoverMs: 0 })).toEqual({ files: 0, bytes: 0 });
    expect(existsSync(join(blobPath(), 'kept'))).toBe(true);
  });
});
