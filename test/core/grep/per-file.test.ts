import { describe, expect, it } from 'vitest';
import { FleetError } from '../../../core/errors.ts';
import { grepPerFile } from '../../../core/grep/per-file.ts';
import type { HandleRecord } from '../../../schemas/handle.ts';
import { maxReplyBytes } from '../../../schemas/tools.ts';

const runId = 'run_V1StGXR8Z5jdHi6BmyT01';

function handle(at: number, name?: string): HandleRecord {
  return {
    handle_id: `hdl_V1StGXR8Z5jdHi6Bmy${String(at).padStart(3, '0')}`,
    stream: name === undefined ? 'stdout' : 'artifact',
    ...(name !== undefined && { name }),
    stage: 'work',
    media_type: 'text/plain',
    state: at % 2 === 0 ? 'sealed' : 'open',
    bytes: 10,
    lines: 1,
    truncated: false,
    created_at: 0,
  };
}

type Ask = Parameters<Parameters<typeof grepPerFile>[0]['read']>[0];

function search(
  files: HandleRecord[],
  input: Partial<Ask>,
  read: (ask: Ask) => { hits: number; cursor?: string },
  turns = Infinity,
) {
  let left = turns;
  const [record = handle(0)] = files;
  return grepPerFile({
    input: { handle_id: record.handle_id, pattern: 'x', pick: 'per-file', ...input },
    record,
    runId,
    files,
    mayGoOn: () => left-- > 0,
    leftMs: () => 5_000,
    read: async (ask) => read(ask),
  });
}

describe('grep per file', () => {
  it('counts in each handle of the run, artifacts by their harmless names', async () => {
    const files = [handle(0), handle(1, 'a\u202eb\n7 \x1b[31mc'), handle(2, 'dist/main.js')];
    const asked: Ask[] = [];
    const reply = await search(files, { wait_ms: 9_000 }, (ask) => {
      asked.push(ask);
      return { hits: asked.length * 10 };
    });
    expect(reply.text).toBe(
      `10 ${files[0]?.handle_id} stdout of work\n20 ${files[1]?.handle_id} a<U+202E>b 7 c\n30 ${files[2]?.handle_id} dist/main.js\n`,
    );
    expect(reply).toMatchObject({ hits: 60, run_id: runId, next: 'That is all of it.' });
    expect(reply.cursor).toBeUndefined();
    // A growing one without hits would be waited for.
    expect(asked.map(({ wait_ms: waitMs }) => waitMs)).toEqual([5_000, undefined, 5_000]);
    expect(
      asked.every(({ mode, pick, pattern }) => mode === 'grep' && pick === 'count' && pattern === 'x'),
    ).toBe(true);
  });

  it('goes on by cursor, also within a handle that took all the time', async () => {
    const files = [handle(0), handle(2), handle(4)];
    const total = { hits: 0, pages: 0 };
    let cursor: string | undefined;
    const seen: (string | undefined)[] = [];
    do {
      const reply = await search(
        files,
        { cursor },
        (ask) => {
          seen.push(ask.cursor);
          const isLong = ask.handle_id === files[1]?.handle_id && ask.cursor !== 'l99';
          return { hits: 1, ...(isLong && { cursor: ask.cursor === undefined ? 'w12' : 'l99' }) };
        },
        1,
      );
      expect(reply.next).toContain(reply.cursor ?? 'That is all');
      total.hits += reply.hits ?? 0;
      total.pages += 1;
      cursor = reply.cursor;
    } while (cursor !== undefined && total.pages < 20);
    expect(total.hits).toBe(5);
    expect(seen).toEqual([undefined, undefined, 'w12', 'l99', undefined]);
  });

  it('answers 1,000 artifacts with hostile names in small pages, each handle once', async () => {
    const files = Array.from({ length: 1_000 }, (_, at) =>
      handle(at, `${'"\\\u0007'.repeat(40)}${String(at)}`),
    );
    let lines = 0;
    for (let cursor: string | undefined, pages = 0; pages < 200; pages += 1) {
      const reply = await search(files, { cursor }, () => ({ hits: 1 }));
      expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(maxReplyBytes);
      lines += reply.text.trimEnd().split('\n').length;
      cursor = reply.cursor;
      if (cursor === undefined) break;
    }
    expect(lines).toBe(1_000);
  });

  it('shows what nobody can be asked for, and raises what is wrong with the pattern', async () => {
    const fail = (code: 'WORKER_UNAVAILABLE' | 'INVALID_INPUT') => () => {
      throw new FleetError(code, 'no');
    };
    expect((await search([handle(0)], {}, fail('WORKER_UNAVAILABLE'))).text).toMatch(/^\? hdl_/);
    await expect(search([handle(0)], {}, fail('INVALID_INPUT'))).rejects.toThrow('no');
    await expect(search([handle(0)], { cursor: 'l7' }, () => ({ hits: 0 }))).rejects.toThrow('cursor');
  });
});
