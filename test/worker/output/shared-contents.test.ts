import {
  appendFileSync,
  linkSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openBlobs } from '../../../platform/blobs/blobs.ts';
import { openFileHandleStore } from '../../../servers/worker/output/file-handle-store.ts';
import type { HandleStore } from '../../../servers/worker/output/handle-store.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { defaults, sha256 } from '../../suites/handle-store.suite.ts';

const output = Buffer.from('a line of some run\n'.repeat(1000));

async function sealed(store: HandleStore, content: Uint8Array, runId: string = defaults.run_id) {
  const writer = store.create({ ...defaults, run_id: runId });
  for (let at = 0; at < content.length; at += 60_000) writer.append(content.subarray(at, at + 60_000));
  return writer.seal({ truncated: false });
}

function storedBytes(dir: string): number {
  const inodes = new Map<number, number>();
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === 'journal.jsonl') continue;
    const stat = statSync(join(entry.parentPath, entry.name));
    inodes.set(stat.ino, stat.size);
  }
  return [...inodes.values()].reduce((sum, size) => sum + size, 0);
}

describe('sealed outputs', () => {
  it('are stored once for all workers of a fleet: 100 of 10 MB in 11 MB', { timeout: 60_000 }, async () => {
    const dir = scratchFolder();
    const content = Buffer.alloc(10_000_000, 'what every worker prints\n');
    const stores = await Promise.all(
      ['w1', 'w2', 'w3', 'w4'].map((id) => openFileHandleStore(join(dir, id), openBlobs(join(dir, 'blobs')))),
    );
    const records = [];
    for (let made = 0; made < 100; made += 1) {
      const store = stores[made % stores.length];
      if (store !== undefined) records.push(await sealed(store, content));
    }
    expect(storedBytes(dir)).toBeLessThanOrEqual(11_000_000);
    expect(records.filter((record) => record.reused_bytes === content.length)).toHaveLength(99);
    const last = records.at(-1)?.handle_id ?? '';
    expect((await stores.at(-1)?.read(last, 0, 1e9))?.equals(content)).toBe(true);
  });

  it('of a retry take no room, and are found again after a restart', async () => {
    const dir = scratchFolder();
    const blobs = openBlobs(join(dir, 'blobs'));
    const store = await openFileHandleStore(join(dir, 'w1'), blobs);
    const first = await sealed(store, output);
    expect(first).not.toHaveProperty('reused_bytes');
    const before = storedBytes(dir);
    const retry = await sealed(store, output);
    expect(retry).toMatchObject({ reused_bytes: output.length, sha256: first.sha256 });
    expect(storedBytes(dir)).toBe(before);
    const again = await openFileHandleStore(join(dir, 'w1'), blobs);
    expect(again.ofRun(defaults.run_id)).toEqual([first, retry]);
    expect((await again.read(retry.handle_id, 0, 1e9)).equals(output)).toBe(true);
    expect(await again.lineOffset(retry.handle_id, 500)).toBe(499 * 19);
  });

  it('are shared also where their process died before it had sealed them', async () => {
    const dir = scratchFolder();
    const blobs = openBlobs(join(dir, 'blobs'));
    const first = await openFileHandleStore(join(dir, 'w1'), blobs);
    await sealed(first, output);
    // Of the second, all is done but the line in the journal.
    const before = readFileSync(join(dir, 'w1', 'journal.jsonl'));
    const left = first.create(defaults);
    left.append(output);
    const begun = readFileSync(join(dir, 'w1', 'journal.jsonl'));
    expect(begun.length).toBeGreaterThan(before.length);
    await left.seal({ truncated: false });
    writeFileSync(join(dir, 'w1', 'journal.jsonl'), begun);
    const second = await openFileHandleStore(join(dir, 'w1'), blobs);
    expect(second.stat(left.handle_id)).toMatchObject({ truncated: true, sha256: sha256(output) });
    expect((await second.read(left.handle_id, 0, 1e9)).equals(output)).toBe(true);
    expect(storedBytes(dir)).toBe(output.length);
  });

  it('are still read where their blob has lost its name, and a foreign link is not', async () => {
    const dir = scratchFolder();
    const store = await openFileHandleStore(join(dir, 'w1'), openBlobs(join(dir, 'blobs')));
    const record = await sealed(store, output);
    await sealed(store, output);
    rmSync(join(dir, 'blobs'), { recursive: true });
    expect((await store.read(record.handle_id, 0, 1e9)).equals(output)).toBe(true);
    const file = join(dir, 'w1', record.handle_id);
    rmSync(file);
    writeFileSync(join(dir, 'foreign'), Buffer.alloc(output.length, 'x'));
    linkSync(join(dir, 'foreign'), file);
    // What was just read is still open; whoever opens it now looks at what is there.
    const next = await openFileHandleStore(join(dir, 'w1'), openBlobs(join(dir, 'blobs')));
    await expect(next.read(record.handle_id, 0, 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it(
    'free what none of them refers to any more, and nothing else, whatever happens',
    { timeout: 60_000 },
    async () => {
      const step = fc.oneof(
        fc.record({ kind: fc.constant('seal'), at: fc.nat(2), what: fc.nat(4) }),
        fc.record({ kind: fc.constant('seal'), at: fc.nat(2), what: fc.nat(4) }),
        fc.record({ kind: fc.constant('begin'), at: fc.nat(2), what: fc.nat(4) }),
        fc.record({ kind: fc.constant('delete'), at: fc.nat(20), what: fc.constant(0) }),
        fc.record({ kind: fc.constant('crash'), at: fc.nat(2), what: fc.constant(0) }),
        fc.record({ kind: fc.constant('collect'), at: fc.constant(0), what: fc.constant(0) }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const dir = scratchFolder();
          const blobs = openBlobs(join(dir, 'blobs'));
          const open = (at: number) => openFileHandleStore(join(dir, `w${at}`), blobs);
          const stores = await Promise.all([0, 1, 2].map(open));
          let live: { at: number; id: string; content: Buffer }[] = [];
          const contents = [5_000, 5_000, 70_000, 200, 9_000].map((size, which) =>
            Buffer.alloc(size, `${which}\n`),
          );
          for (const { kind, at, what } of steps) {
            const store = stores[at % 3];
            const content = contents[what];
            if (store === undefined || content === undefined) continue;
            if (kind === 'seal') live.push({ at, id: (await sealed(store, content)).handle_id, content });
            if (kind === 'begin') {
              const writer = store.create(defaults);
              writer.append(content);
              live.push({ at, id: writer.handle_id, content });
            }
            if (kind === 'delete') {
              const [gone] = live.splice(at % Math.max(1, live.length), 1);
              if (gone !== undefined) await stores[gone.at]?.delete(gone.id);
            }
            if (kind === 'crash') {
              appendFileSync(join(dir, `w${at}`, 'journal.jsonl'), '{"id":"hdl_');
              stores[at] = await open(at);
            }
            if (kind === 'collect') await blobs.collect({ leftoverMs: 0 });
            for (const { at: of, id, content: wanted } of live) {
              expect((await stores[of]?.read(id, 0, 1e6))?.equals(wanted)).toBe(true);
            }
          }
          // What is left is what live handles of the restarted stores refer to, each content once.
          for (const at of [0, 1, 2]) stores[at] = await open(at);
          await blobs.collect({ leftoverMs: 0 });
          const referred = new Map(
            live
              .filter(({ content }) => content.length > 4096)
              .map(({ content }) => [sha256(content), content.length]),
          );
          const bytes = [...referred.values()].reduce((sum, size) => sum + size, 0);
          expect(await blobs.usage()).toEqual({ files: referred.size, bytes });
          expect(storedBytes(dir)).toBe(bytes);
          live = [];
        }),
        { numRuns: 40 },
      );
    },
  );
});
