import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failpointNames } from '../../../platform/failpoint.ts';
import { openFileHandleStore } from '../../../servers/worker/output/file-handle-store.ts';
import { inlineBytes } from '../../../servers/worker/output/file-handle-writer.ts';
import { dieAt } from '../../helpers/failpoints.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { defaults, sha256 } from '../../suites/handle-store.suite.ts';

describe('a small output', () => {
  it('costs no file, open or sealed, and is found again, whatever its bytes', async () => {
    const dir = scratchFolder();
    const store = await openFileHandleStore(dir);
    const bytes = Buffer.from([0, 255, 10, 128, 34, 92, 10]);
    const writer = store.create(defaults);
    writer.append(bytes.subarray(0, 3));
    writer.append(bytes.subarray(3));
    expect((await store.read(writer.handle_id, 2, 3)).equals(bytes.subarray(2, 5))).toBe(true);
    const record = await writer.seal({ truncated: false });
    expect(record).toMatchObject({ bytes: 7, lines: 2, sha256: sha256(bytes) });
    expect(readdirSync(dir)).toEqual(['journal.jsonl']);
    for (const again of [store, await openFileHandleStore(dir)]) {
      expect(again.ofRun(defaults.run_id)).toEqual([record]);
      expect((await again.read(writer.handle_id, 0, 100)).equals(bytes)).toBe(true);
      expect(await again.lineOffset(writer.handle_id, 2)).toBe(3);
    }
  });

  it('costs the journal little where it comes in many pieces: then it gets its file', async () => {
    const dir = scratchFolder();
    const store = await openFileHandleStore(dir);
    const writer = store.create(defaults);
    for (let piece = 0; piece < 1000; piece += 1) writer.append(Buffer.from('ab\n'));
    expect(readFileSync(join(dir, writer.handle_id), 'utf8')).toBe('ab\n'.repeat(1000));
    expect(readFileSync(join(dir, 'journal.jsonl')).length).toBeLessThan(8_000);
  });

  const names = failpointNames.filter((name) => /^handle\.(bytes|open)\./.test(name));
  // The first append, one in the middle of the inline ones, the one that makes the file, one after it.
  const points = names.flatMap((name) => [1, 3, 5, 6].map((nth) => ({ name, nth })));
  it.each(points)(
    'of a process that dies at $name for time $nth is there as it was told',
    ({ name, nth }) => {
      const dir = scratchFolder();
      const store = join(dir, 'handles');
      const built = join(import.meta.dirname, '../../../dist/servers/worker/output/file-handle-store.js');
      // The journal is told four times, the bytes come more often.
      const time = name.startsWith('handle.open') ? Math.min(nth, 5) : nth;
      dieAt({ name, nth: time, folder: dir }, 'append-pieces.mjs', [built, store]);
      const whole = Buffer.concat(
        Array.from({ length: 8 }, (_, at) => Buffer.alloc(inlineBytes / 4, `${at}`)),
      );
      return openFileHandleStore(store).then(async (again) => {
        const [record] = again.ofRun(defaults.run_id);
        const content = record === undefined ? Buffer.alloc(0) : await again.read(record.handle_id, 0, 1e6);
        const told = Number(readFileSync(join(store, '..', 'told'), 'utf8') || '0');
        expect(content.length).toBeGreaterThanOrEqual(told);
        expect(whole.subarray(0, content.length).equals(content)).toBe(true);
        if (record !== undefined)
          expect(record).toMatchObject({ bytes: content.length, sha256: sha256(content), truncated: true });
      });
    },
  );
});
