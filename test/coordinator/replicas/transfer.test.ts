import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { transfer } from '../../../platform/replica-transfer.ts';
import { dieAt } from '../../helpers/failpoints.ts';
import { content, far, newFolder, noteOf } from './copying.ts';

const size = 1_000_000;
const { signal } = new AbortController();

it('copies page by page, and goes on where it was broken off', async () => {
  const worker = far();
  const { folder } = newFolder();
  const bytes = content(size, 'one');
  const handle = await worker.keep(bytes);
  const note = noteOf(handle);
  const source = { read: worker.read, handleId: handle.handle_id, signal };
  await folder.write(note);
  let pages = 0;
  worker.tamper = (text) => {
    pages += 1;
    if (pages === 3) throw new Error('the connection broke');
    return text;
  };
  await expect(transfer(source, note, folder)).rejects.toThrow('broke');
  expect(folder.has(handle.handle_id)).toBe(false);
  const kept = statSync(folder.files(handle.handle_id).part).size;
  expect(kept).toBeGreaterThan(0);
  worker.asked.length = 0;
  expect(await transfer(source, note, folder)).toBe(true);
  expect(worker.asked[0]).toBe(kept);
  expect(readFileSync(folder.files(handle.handle_id).content).equals(bytes)).toBe(true);
});

it('refuses what has another hash, keeps nothing of it, and takes it when it is right', async () => {
  const worker = far();
  const { folder } = newFolder();
  const bytes = content(size, 'two');
  const handle = await worker.keep(bytes);
  const source = { read: worker.read, handleId: handle.handle_id, signal };
  await folder.write(noteOf(handle));
  worker.tamper = (text) => `AAAA${text.slice(4)}`;
  expect(await transfer(source, noteOf(handle), folder)).toBe(false);
  expect(folder.has(handle.handle_id)).toBe(false);
  expect((await folder.blobs().usage()).files).toBe(0);
  worker.tamper = (text) => text;
  expect(await transfer(source, noteOf(handle), folder)).toBe(true);
  // A part a power cut has damaged is found out as well, and one that is too long.
  const other = await worker.keep(content(size, 'three'));
  const again = { ...source, handleId: other.handle_id };
  const { part } = folder.files(other.handle_id);
  writeFileSync(part, Buffer.alloc(1000));
  expect(await transfer(again, noteOf(other), folder)).toBe(false);
  writeFileSync(part, Buffer.alloc(2 * size));
  expect(await transfer(again, noteOf(other), folder)).toBe(true);
});

it('fetches nothing of what is here already by its hash', async () => {
  const worker = far();
  const { folder } = newFolder();
  const [one, two] = [await worker.keep(content(size, 'x')), await worker.keep(content(size, 'x'))];
  await folder.write(noteOf(one));
  await transfer({ read: worker.read, handleId: one.handle_id, signal }, noteOf(one), folder);
  worker.asked.length = 0;
  expect(await transfer({ read: worker.read, handleId: two.handle_id, signal }, noteOf(two), folder)).toBe(
    true,
  );
  expect(worker.asked).toEqual([]);
  expect((await folder.blobs().usage()).files).toBe(1);
  // Unless it is damaged.
  const three = await worker.keep(content(size, 'x'));
  truncateSync(folder.files(one.handle_id).content, 10);
  expect(
    await transfer({ read: worker.read, handleId: three.handle_id, signal }, noteOf(three), folder),
  ).toBe(true);
  expect(worker.asked.length).toBeGreaterThan(0);
  expect(statSync(folder.files(three.handle_id).content).size).toBe(size);
});

for (const [name, nth] of [
  ['replica.bytes.before', 3],
  ['replica.bytes.after', 3],
  ['replica.adopt.before', 1],
  ['replica.adopt.after', 1],
] as const) {
  it(`goes on after a death at ${name}`, async () => {
    const { folder, dir } = newFolder();
    const bytes = content(size, 'four');
    const file = join(dir, 'content');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    dieAt({ name, nth, folder: dir }, 'die-copying.mjs', [dir, file]);
    const [id = ''] = await folder.list();
    const note = folder.note(id);
    if (note === undefined) throw new Error('no note');
    const worker = far();
    const kept = await worker.keep(bytes);
    const source = { read: worker.read, handleId: kept.handle_id, signal };
    expect(await transfer(source, note, folder)).toBe(true);
    const begun = name.startsWith('replica.bytes') ? 2 : undefined;
    if (begun === undefined) expect(worker.asked).toEqual([]);
    else expect(worker.asked[0]).toBeGreaterThan(0);
    expect(readFileSync(folder.files(id).content).equals(bytes)).toBe(true);
    expect(readdirSync(dirname(folder.files(id).content)).toSorted()).toEqual([id, `${id}.json`]);
  });
}
