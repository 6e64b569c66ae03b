import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { expect, it } from 'vitest';
import { openBlobs } from '../../../platform/blobs/blobs.ts';
import { createCounting } from '../../../servers/reader/counting.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

it('the reader counts texts, and stored outputs where they lie, compressed or not', async () => {
  const dir = scratchFolder();
  const blobs = openBlobs(join(dir, 'blobs'));
  const counting = createCounting(blobs);
  const count = counting['codex-fleet/count_content'];
  async function stored(text: string): Promise<{ sha256: string; bytes: number; path: string }> {
    const sha256 = createHash('sha256').update(text).digest('hex');
    const path = join(dir, sha256);
    writeFileSync(path, text, { mode: 0o600 });
    await blobs.adopt(path, sha256, Buffer.byteLength(text));
    return { sha256, bytes: Buffer.byteLength(text), path };
  }
  const texts = ['one two', 'und früher: ein Satz'];
  const tokens = texts.map((text) => countTokens(text));
  expect(await counting['codex-fleet/count_tokens']({ texts })).toEqual({ tokens });

  const short = '2026-01-01 INFO this is a line of some log\n'.repeat(1_000);
  const { path, ...small } = await stored(short);
  const exact = { count: { tokens: countTokens(short), method: 'exact' } };
  expect(await count(small)).toEqual(exact);
  expect(await blobs.compress(path, small.sha256, small.bytes)).toBe(true);
  await blobs.collect();
  expect(await count(small)).toEqual(exact);

  const long = short.repeat(10);
  const { path: _path, ...large } = await stored(long);
  const sampled = await count(large);
  expect(sampled.count?.method).toBe('sampled');
  expect(Math.abs((sampled.count?.tokens ?? 0) / countTokens(long) - 1)).toBeLessThan(0.01);

  expect(await count({ ...small, bytes: small.bytes + 1 })).toEqual({});
  expect(await count({ sha256: '0'.repeat(64), bytes: 9 })).toEqual({});
});
