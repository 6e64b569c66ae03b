import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inlineBytes } from '../../../servers/worker/output/file-handle-writer.ts';
import { openFileHandleStore } from '../../../servers/worker/output/file-handle-store.ts';
import { killWriter } from '../../../scripts/bench/output/kill-writer.ts';
import { defaults, handleStoreSuite, sha256 } from '../../suites/handle-store.suite.ts';

const built = join(import.meta.dirname, '../../../dist/servers/worker/output/file-handle-store.js');
const fixture = (name: string) => join(import.meta.dirname, '../../fixtures', name);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cf-handles-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

handleStoreSuite('files', async () => {
  const own = mkdtempSync(join(tmpdir(), 'cf-handles-'));
  return {
    store: await openFileHandleStore(join(own, 'handles')),
    close: async () => rmSync(own, { recursive: true, force: true }),
  };
});

describe('file handle store', () => {
  it('keeps one private file a handle, made once it is large, and nothing but the bytes in it', async () => {
    const store = await openFileHandleStore(join(dir, 'handles'));
    const writer = store.create(defaults);
    writer.append(Buffer.from('bytes\n'));
    expect(readdirSync(join(dir, 'handles'))).toEqual(['journal.jsonl']);
    writer.append(Buffer.alloc(inlineBytes - 6, 'x'));
    expect(readdirSync(join(dir, 'handles'))).toEqual(['journal.jsonl']);
    writer.append(Buffer.from('more'));
    const file = join(dir, 'handles', writer.handle_id);
    expect(readFileSync(file, 'utf8')).toBe(`bytes\n${'x'.repeat(inlineBytes - 6)}more`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, 'handles')).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir, 'handles/journal.jsonl')).mode & 0o777).toBe(0o600);
  });

  it('finds everything again after a restart', async () => {
    const first = await openFileHandleStore(dir);
    const content = Buffer.from('line\n'.repeat(1000));
    const writers = ['stdout', 'stderr'] as const;
    const sealed = await Promise.all(
      writers.map((stream) => {
        const writer = first.create({ ...defaults, stream });
        writer.append(content);
        return writer.seal({ truncated: false });
      }),
    );
    const second = await openFileHandleStore(dir);
    expect(second.ofRun(defaults.run_id)).toEqual(sealed);
    const id = sealed[0]?.handle_id ?? '';
    expect(second.runOf(id)).toBe(defaults.run_id);
    expect(await second.lineOffset(id, 700)).toBe(699 * 5);
    expect((await second.read(id, 0, 1e6)).equals(content)).toBe(true);
  });

  it('does not bring back what was deleted, and rewrites a journal of the dead', async () => {
    const first = await openFileHandleStore(dir);
    const kept = first.create(defaults);
    kept.append(Buffer.from('kept'));
    await kept.seal({ truncated: false });
    for (let run = 0; run < 600; run += 1) await first.delete(first.create(defaults).handle_id);
    const before = statSync(join(dir, 'journal.jsonl')).size;
    const second = await openFileHandleStore(dir);
    expect(second.ofRun(defaults.run_id).map((record) => record.handle_id)).toEqual([kept.handle_id]);
    expect(statSync(join(dir, 'journal.jsonl')).size).toBeLessThan(before / 100);
    const third = await openFileHandleStore(dir);
    expect((await third.read(kept.handle_id, 0, 10)).toString()).toBe('kept');
  });

  it('passes over a torn line of the journal and goes on behind it', async () => {
    const first = await openFileHandleStore(dir);
    const kept = await first.create(defaults).seal({ truncated: false });
    const journal = readFileSync(join(dir, 'journal.jsonl'), 'utf8').trimEnd().split('\n');
    appendFileSync(join(dir, 'journal.jsonl'), (journal[0] ?? '').slice(0, -1));
    const second = await openFileHandleStore(dir);
    const later = await second.create({ ...defaults, stream: 'stderr' }).seal({ truncated: false });
    const third = await openFileHandleStore(dir);
    expect(third.ofRun(defaults.run_id)).toEqual([kept, later]);
  });

  it('reads no link and no pipe put in the place of a file', async () => {
    writeFileSync(join(dir, 'outside'), 'o'.repeat(5000));
    for (const replace of [
      symlinkSync,
      linkSync,
      (_: string, path: string) => execFileSync('mkfifo', [path]),
    ]) {
      const store = await openFileHandleStore(join(dir, 'handles'));
      const writer = store.create(defaults);
      writer.append(Buffer.alloc(5000, 'i'));
      await writer.seal({ truncated: false });
      const file = join(dir, 'handles', writer.handle_id);
      unlinkSync(file);
      replace(join(dir, 'outside'), file);
      await expect(store.read(writer.handle_id, 0, 8)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  it('reads what is left of a file that lost its end, and says where it is gone', async () => {
    const store = await openFileHandleStore(dir);
    const writer = store.create(defaults);
    writer.append(Buffer.from('0123456789'.repeat(500)));
    await writer.seal({ truncated: false });
    truncateSync(join(dir, writer.handle_id), 4);
    expect((await store.read(writer.handle_id, 0, 10)).toString()).toBe('0123');
    await expect(store.read(writer.handle_id, 4, 6)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('drops and reports what the disk does not take, and keeps count of what it took', () => {
    // A file size limit is the full disk anyone can make: the write that crosses it is cut short.
    const run = (pieces: number) =>
      execFileSync('sh', [
        '-c',
        'ulimit -f 64; exec "$0" "$@"',
        process.execPath,
        fixture('append-until-full.mjs'),
        built,
        dir,
        String(pieces),
      ]);
    const full = JSON.parse(run(10).toString());
    expect(full).toMatchObject({ failed: 'EFBIG', record: { state: 'sealed', truncated: true } });
    expect(full.bytes).toBeLessThan(100_000);
    expect(full.bytes % 512).toBe(0);
    expect(full.read).toBe(full.bytes);
    expect(full.record).toMatchObject({ bytes: full.bytes, lines: full.lines });
    expect(full.record.sha256).toBe(sha256(Buffer.alloc(full.bytes, 'abcdefghi\n')));
  });

  it(
    'after kill -9 at any moment holds a valid prefix, sealed as truncated',
    { timeout: 60_000 },
    async () => {
      for (const position of [0, 1, 700, 5_000, 65_536, 200_000, 1_000_000]) {
        const found = await killWriter(join(dir, `at-${position}`), position);
        expect(found.faults).toEqual([]);
        expect(found.bytes).toBeGreaterThanOrEqual(position);
      }
    },
  );

  it('starts quickly and stays small with many handles', { timeout: 60_000 }, async () => {
    const first = await openFileHandleStore(dir);
    const count = 20_000;
    for (let made = 0; made < count; made += 1) {
      await first
        .create({ ...defaults, run_id: `run_${String(made >> 1).padStart(21, '0')}` })
        .seal({ truncated: false });
    }
    const before = heapAfterCollection();
    const began = performance.now();
    const second = await openFileHandleStore(dir);
    const took = performance.now() - began;
    const grown = heapAfterCollection() - before;
    expect(second.ofRun(`run_${'9'.padStart(21, '0')}`)).toHaveLength(2);
    expect(grown / count).toBeLessThan(400);
    expect(took).toBeLessThan(2_000);
  });
});

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}
