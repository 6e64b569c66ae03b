import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handleRecord } from '../../schemas/handle.ts';
import type { CreateHandle, HandleStore } from '../../servers/worker/output/handle-store.ts';

/** What every HandleStore must do; `open` makes an empty one. */
export function handleStoreSuite(
  name: string,
  open: () => Promise<{ store: HandleStore; close(): Promise<void> }>,
): void {
  describe(`HandleStore: ${name}`, () => {
    let store: HandleStore;
    let close: () => Promise<void>;

    beforeEach(async () => {
      ({ store, close } = await open());
    });
    afterEach(() => close());

    const create = (params: Partial<CreateHandle> = {}) => store.create({ ...defaults, ...params });

    it('keeps bytes in order and reads them as soon as append returns', async () => {
      const writer = create();
      writer.append(Buffer.from('one\ntw'));
      writer.append(Buffer.from('o\nthree'));
      expect((await store.read(writer.handle_id, 0, 100)).toString()).toBe('one\ntwo\nthree');
      expect((await store.read(writer.handle_id, 4, 3)).toString()).toBe('two');
      expect((await store.read(writer.handle_id, 100, 3)).length).toBe(0);
      expect(store.stat(writer.handle_id)).toMatchObject({
        state: 'open',
        bytes: 13,
        lines: 3,
        truncated: false,
      });
    });

    it('reads into memory of the caller, growing and sealed, what a plain read answers', async () => {
      const writer = create();
      writer.append(Buffer.from('one\ntwo\nthree'));
      const check = async (): Promise<void> => {
        for (const [offset, room] of [
          [0, 5],
          [4, 100],
          [13, 4],
          [50, 4],
          [2, 0],
        ] as const) {
          const target = Buffer.alloc(room, '.');
          const filled = await store.readInto(writer.handle_id, offset, target);
          expect(target.subarray(0, filled)).toEqual(await store.read(writer.handle_id, offset, room));
          expect(target.subarray(filled).every((byte) => byte === 0x2e)).toBe(true);
        }
      };
      await check();
      await writer.seal({ truncated: false });
      await check();
      await expect(store.readInto('hdl_V1StGXR8Z5jdHi6BmyT99', 0, Buffer.alloc(1))).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
    });

    it('seals once, with the hash of exactly the bytes kept', async () => {
      const writer = create();
      writer.append(Buffer.from('abc\n'));
      const sealed = await writer.seal({ truncated: false });
      writer.append(Buffer.from('too late'));
      expect(await writer.seal({ truncated: true })).toEqual(sealed);
      expect(handleRecord.parse(sealed)).toEqual(sealed);
      expect(sealed).toMatchObject({
        state: 'sealed',
        bytes: 4,
        lines: 1,
        truncated: false,
        sha256: sha256('abc\n'),
      });
      expect(store.stat(writer.handle_id)).toEqual(sealed);
      expect((await store.read(writer.handle_id, 0, 100)).toString()).toBe('abc\n');
    });

    it('seals an empty handle', async () => {
      const sealed = await create().seal({ truncated: true });
      expect(sealed).toMatchObject({ bytes: 0, lines: 0, truncated: true, sha256: sha256('') });
      expect(await store.lineOffset(sealed.handle_id, 1)).toBe(0);
      expect((await store.read(sealed.handle_id, 0, 10)).length).toBe(0);
    });

    it('lists the handles of a run in the order they were made, open or sealed', async () => {
      const first = create({ stream: 'stdout' });
      const second = create({ stream: 'stderr' });
      create({ run_id: otherRun });
      await first.seal({ truncated: false });
      expect(store.ofRun(defaults.run_id).map((record) => record.handle_id)).toEqual([
        first.handle_id,
        second.handle_id,
      ]);
      expect(store.runOf(first.handle_id)).toBe(defaults.run_id);
      expect(store.runOf(second.handle_id)).toBe(defaults.run_id);
      expect(store.ofRun('run_unknown')).toEqual([]);
    });

    it('forgets a deleted handle and nothing else', async () => {
      const [gone, kept] = [create(), create()];
      gone.append(Buffer.from('x'));
      kept.append(Buffer.from('y'));
      await gone.seal({ truncated: false });
      await store.delete(gone.handle_id);
      await store.delete(gone.handle_id);
      expect(store.stat(gone.handle_id)).toBeUndefined();
      expect(store.runOf(gone.handle_id)).toBeUndefined();
      await expect(store.read(gone.handle_id, 0, 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(store.lineOffset(gone.handle_id, 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect(store.ofRun(defaults.run_id).map((record) => record.handle_id)).toEqual([kept.handle_id]);
      expect((await store.read(kept.handle_id, 0, 1)).toString()).toBe('y');
    });

    it('knows no id it did not make', async () => {
      create().append(Buffer.from('secret'));
      for (const id of hostileIds) {
        expect(store.stat(id), id).toBeUndefined();
        expect(store.runOf(id), id).toBeUndefined();
        await expect(store.read(id, 0, 10), id).rejects.toMatchObject({ code: 'NOT_FOUND' });
        await expect(store.lineOffset(id, 1), id).rejects.toMatchObject({ code: 'NOT_FOUND' });
        await store.delete(id);
      }
      expect(store.ofRun(defaults.run_id)).toHaveLength(1);
    });

    it('finds the beginning of every line, growing and sealed, as a plain split does', async () => {
      const chunk = fc.oneof(
        fc.constant(Buffer.alloc(0)),
        fc
          .string({ maxLength: 40, unit: fc.constantFrom('a', '\n', 'é', ' ') })
          .map((text) => Buffer.from(text)),
        fc.integer({ min: 200, max: 700 }).map((lines) => Buffer.from('x\n'.repeat(lines))),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(chunk, { maxLength: 6, size: 'max' }), async (chunks) => {
          const writer = create();
          for (const bytes of chunks) writer.append(bytes);
          const content = Buffer.concat(chunks);
          const starts = lineStarts(content);
          expect([writer.bytes, writer.lines]).toEqual([content.length, starts.length]);
          const asked = [
            1,
            2,
            255,
            256,
            257,
            258,
            512,
            513,
            starts.length,
            starts.length + 1,
            starts.length + 500,
          ];
          const wanted = asked.map((line) => (line === 0 ? 0 : (starts[line - 1] ?? content.length)));
          const found = () => Promise.all(asked.map((line) => store.lineOffset(writer.handle_id, line)));
          expect(await found()).toEqual(wanted);
          const sealed = await writer.seal({ truncated: false });
          expect(await found()).toEqual(wanted);
          expect(sealed.sha256).toBe(sha256(content));
        }),
        { numRuns: 40 },
      );
    });
  });
}

export const defaults: CreateHandle = {
  run_id: 'run_V1StGXR8Z5jdHi6BmyT01',
  stage: 'build',
  stream: 'stdout',
  media_type: 'text/plain',
  now: 1_790_000_000_000,
};
const otherRun = 'run_V1StGXR8Z5jdHi6BmyT02';

export const hostileIds = [
  '',
  '.',
  '..',
  '/etc/passwd',
  '../journal.jsonl',
  'journal.jsonl',
  'hdl_',
  'hdl_../../../../etc/passwd',
  'hdl_V1StGXR8Z5jdHi6BmyT01',
  'hdl_V1StGXR8Z5jdHi6BmyT0/',
  'hdl_V1StGXR8Z5jdHi6BmyT01\0',
  'hdl_V1StGXR8Z5jdHi6BmyT01\n',
  'hdl_'.concat('a'.repeat(100_000)),
  '__proto__',
  'constructor',
  '%2e%2e%2fjournal.jsonl',
];

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Where lines begin, by looking at every byte. */
export function lineStarts(content: Uint8Array): number[] {
  const starts = content.length > 0 ? [0] : [];
  content.forEach((byte, at) => {
    if (byte === 10 && at + 1 < content.length) starts.push(at + 1);
  });
  return starts;
}
