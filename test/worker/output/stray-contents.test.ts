import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBlobs } from '../../../platform/blobs/blobs.ts';
import { compressContents, never } from '../../../servers/worker/output/cold-contents.ts';
import { openFileHandleStore } from '../../../servers/worker/output/file-handle-store.ts';

let root: string;
let dir: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fleet-stray-'));
  dir = join(root, 'handles');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const old = (): Date => new Date(Date.now() - 25 * 60 * 60 * 1000);

async function stored(text: string): Promise<string> {
  const store = await openFileHandleStore(dir);
  const writer = store.create({
    run_id: 'run_V1StGXR8Z5jdHi6BmyT01',
    stage: 'main',
    stream: 'stdout',
    media_type: 'text/plain',
    now: 1,
  });
  writer.append(Buffer.from(text.repeat(10_000)));
  return (await writer.seal({ truncated: false })).handle_id;
}

describe('contents without a line in the journal', () => {
  it('go a day after they were written, those with one stay', async () => {
    const kept = await stored('kept\n');
    const lost = await stored('lost\n');
    const path = (id: string): string => join(dir, id);
    const young = 'hdl_0123456789abcdefghijk';
    writeFileSync(path(young), 'written today');
    utimesSync(path(kept), old(), old());
    utimesSync(path(lost), old(), old());
    // The power went before the last two lines were on disk.
    const journal = join(dir, 'journal.jsonl');
    truncateSync(journal, readFileSync(journal, 'utf8').indexOf(`{"id":"${lost}"`));

    const store = await openFileHandleStore(dir, openBlobs(join(root, 'blobs')));
    expect([kept, lost, young].map((id) => existsSync(path(id)))).toEqual([true, false, true]);
    expect((await store.read(kept, 0, 5)).toString()).toBe('kept\n');

    // And without a start, when the store is looked through.
    utimesSync(path(young), old(), old());
    await store.compressCold(0, () => true);
    expect([kept, young].map((id) => existsSync(path(id)))).toEqual([true, false]);
  });

  it('stay where their handle is open', async () => {
    const store = await openFileHandleStore(dir, openBlobs(join(root, 'blobs')));
    const writer = store.create({
      run_id: 'run_V1StGXR8Z5jdHi6BmyT01',
      stage: 'main',
      stream: 'stdout',
      media_type: 'text/plain',
      now: 1,
    });
    writer.append(Buffer.alloc(10_000, 'x'));
    utimesSync(join(dir, writer.handle_id), old(), old());
    await store.compressCold(0, () => true);
    expect(existsSync(join(dir, writer.handle_id))).toBe(true);
    await writer.seal({ truncated: false });
  });
});

describe('looking for what is cold', () => {
  it('asks of a sealed handle once while it is young, and never again once it is done with', async () => {
    const id = await stored('of a handle\n');
    const asked: string[] = [];
    const looked = new Map<string, number>();
    const cold = {
      dir,
      blobs: openBlobs(join(root, 'blobs')),
      find: (handleId: string) => {
        asked.push(handleId);
        return { bytes: 'of a handle\n'.length * 10_000, sha256: '0'.repeat(64) };
      },
      looked,
    };
    const look = (before: number): Promise<void> => compressContents(cold, before, () => true);
    for (let minute = 0; minute < 3; minute += 1) await look(Date.now() - 60_000);
    expect(asked).toEqual([id]);
    for (let minute = 0; minute < 3; minute += 1) await look(Date.now() + 60_000);
    // Not of the hash it was said to be: it is left as it is.
    expect(asked).toEqual([id, id, id]);
    expect(looked.get(id)).toBe(never);
  });
});
