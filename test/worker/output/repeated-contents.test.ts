import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openFileHandleStore } from '../../../servers/worker/output/file-handle-store.ts';
import type { HandleStore } from '../../../servers/worker/output/handle-store.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { defaults, sha256 } from '../../suites/handle-store.suite.ts';

const small = Buffer.from('all it has to say\n'.repeat(60));

async function say(store: HandleStore, content: Uint8Array, like: readonly string[]) {
  const writer = store.create({ ...defaults, like });
  writer.append(content);
  return writer.seal({ truncated: false });
}

async function read(store: HandleStore, id: string): Promise<string> {
  return (await store.read(id, 0, 1e6)).toString();
}

describe('a small output of a retry', () => {
  it('that repeats one of the try before is not stored again, and outlives it', async () => {
    const dir = scratchFolder();
    const copies = () =>
      readFileSync(join(dir, 'journal.jsonl'), 'utf8').split(small.toString('base64')).length - 1;
    const store = await openFileHandleStore(dir);
    const first = await say(store, small, []);
    expect(first).not.toHaveProperty('reused_bytes');
    const before = copies();
    const second = await say(store, small, [first.handle_id]);
    const third = await say(store, small, [first.handle_id, second.handle_id]);
    expect(copies()).toBe(before);
    expect(readdirSync(dir)).toEqual(['journal.jsonl']);
    for (const one of [second, third])
      expect(one).toMatchObject({ reused_bytes: small.length, sha256: sha256(small), lines: 60 });
    await store.delete(first.handle_id);
    for (const one of [store, await openFileHandleStore(dir)]) {
      expect(one.ofRun(defaults.run_id)).toEqual([second, third]);
      expect(await read(one, second.handle_id)).toBe(small.toString());
      expect(await read(one, third.handle_id)).toBe(small.toString());
      expect(await one.lineOffset(third.handle_id, 3)).toBe(36);
    }
  });

  it('that says something else is stored, also where it begins alike', async () => {
    const dir = scratchFolder();
    const store = await openFileHandleStore(dir);
    const first = await say(store, small, []);
    const writer = store.create({ ...defaults, like: [first.handle_id] });
    writer.append(small);
    await store.delete(first.handle_id);
    expect(await read(await openCopy(dir), writer.handle_id)).toBe(small.toString());
    writer.append(Buffer.from('and more'));
    const second = await writer.seal({ truncated: false });
    expect(second).not.toHaveProperty('reused_bytes');
    expect(await read(await openFileHandleStore(dir), second.handle_id)).toBe(`${small.toString()}and more`);
  });

  it('is what it was, whatever is said, deleted and broken off around it', async () => {
    const step = fc.record({
      kind: fc.constantFrom('say', 'say', 'begin', 'grow', 'delete', 'delete', 'restart'),
      what: fc.nat(1),
      which: fc.nat(9),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 24 }), async (steps) => {
        const dir = scratchFolder();
        let store = await openFileHandleStore(dir);
        const wanted = new Map<string, string>();
        let open = new Map<string, ReturnType<HandleStore['create']>>();
        for (const { kind, what, which } of steps) {
          const id = [...wanted.keys()][which] ?? '';
          const text = ['one thing\n', 'another thing\n'][what] ?? '';
          if (kind === 'say' || kind === 'begin') {
            const writer = store.create({ ...defaults, like: [...wanted.keys()] });
            writer.append(Buffer.from(text));
            wanted.set(writer.handle_id, text);
            if (kind === 'say') await writer.seal({ truncated: false });
            else open.set(writer.handle_id, writer);
          } else if (kind === 'grow') {
            const writer = open.get(id);
            writer?.append(Buffer.from(text));
            if (writer !== undefined) wanted.set(id, (wanted.get(id) ?? '') + text);
          } else if (kind === 'delete') {
            await store.delete(id);
            wanted.delete(id);
            open.delete(id);
          } else {
            store = await openFileHandleStore(dir);
            open = new Map();
          }
          for (const [one, content] of wanted) expect(await read(store, one)).toBe(content);
        }
        const again = await openFileHandleStore(dir);
        for (const [one, content] of wanted) expect(await read(again, one)).toBe(content);
      }),
      { numRuns: 60 },
    );
  });
});

/** What the next process would find, were this one to end now. */
async function openCopy(dir: string): Promise<HandleStore> {
  const copy = scratchFolder();
  appendFileSync(join(copy, 'journal.jsonl'), readFileSync(join(dir, 'journal.jsonl')));
  return openFileHandleStore(copy);
}
