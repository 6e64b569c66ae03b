import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { createMemoryRunStore } from '../../../coordinator/store/memory-run-store.ts';
import type { StoredHandle } from '../../../coordinator/store/run-store.ts';
import { createTold } from '../../../coordinator/told.ts';
import { createTokenMeter } from '../../../coordinator/tokens/meter.ts';
import { FleetError } from '../../../core/errors.ts';
import type { Read } from '../../../core/remote-bytes.ts';
import { createLogger } from '../../../platform/log.ts';
import type { Telemetry } from '../../../platform/telemetry.ts';
import type { TokenCount } from '../../../schemas/manifest.ts';
import { claimOf, finishOf, handleOf, newRun } from '../../helpers/runs.ts';

const log = createLogger({ name: 'test', level: 'silent' });
const patienceMs = 20_000;
const text = 'a line of some log\n'.repeat(500);
const [told1, told2] = ['{"status":"running"}', '{"status":"completed","preview":"a line"}'];

/** A meter over a store in memory; by `worker method`, what it recorded. */
async function setting() {
  const store = createMemoryRunStore();
  const told = createTold(store);
  const recorded = new Map<string, number>();
  const telemetry: Telemetry = {
    isSent: true,
    record(name, value, attributes) {
      const key = [name.replace('codex.', ''), ...Object.values(attributes)].join(' ');
      recorded.set(key, (recorded.get(key) ?? 0) + value);
    },
    close: () => Promise.resolve(),
  };
  const contents = new Map<string, TokenCount>();
  const state = { fails: 0, reads: 0 };
  const copies = {
    async countTokens(texts: readonly string[]): Promise<number[]> {
      if (state.fails > 0) throw new Error(`${String(state.fails--)} times nobody counts`);
      return texts.map((one) => countTokens(one));
    },
    countContent: async (sha256: string) => contents.get(sha256),
  };
  const read: Read = async ({ handle_id: id, from = 0, count = 0 }) => {
    state.reads += 1;
    const bytes = Buffer.from(text).subarray(from, from + Math.min(count, 4_000));
    const page = { handle_id: id, run_id: 'run', stream: 'stdout' as const, encoding: 'base64' as const };
    const to_byte = from + bytes.length;
    const size = { bytes: text.length, lines: 500, sealed: true, truncated: false, next: '' };
    return { ...page, ...size, text: bytes.toString('base64'), from_byte: from, to_byte };
  };
  let readerOf = async (_handle: StoredHandle): Promise<Read> => read;
  const meter = createTokenMeter({
    told,
    store,
    telemetry,
    copies,
    readerOf: (handle) => readerOf(handle),
    log,
  });
  const run = newRun();
  await store.submit([run]);
  const { run_id: runId } = run;
  return {
    store,
    told,
    meter,
    recorded,
    contents,
    state,
    runId,
    unreachable: () => {
      readerOf = () => Promise.reject(new FleetError('WORKER_UNAVAILABLE', 'gone'));
    },
    tell: (...texts: string[]) => {
      for (const one of texts) told.add([{ run_ids: [runId], text: one }]);
    },
    async end(handles: StoredHandle[]) {
      await store.claim([claimOf(runId, { worker: 'local-1' })]);
      const [ended] = await store.finish([finishOf(runId, { handles })]);
      if (ended !== undefined) meter.ended(ended);
      return ended;
    },
  };
}

const output = (more: Partial<StoredHandle> = {}) =>
  handleOf({ bytes: text.length, worker_id: 'local-1', ...more });

describe('codex.tokens_avoided', () => {
  it('is what a run put out, once, less all that was told of it', async () => {
    const { tell, end, meter, recorded, store, told, runId } = await setting();
    tell(told1);
    const ended = await end([output(), output({ stream: 'events' })]);
    await expect.poll(() => recorded.size, { timeout: 10_000 }).toBe(1);
    tell(told2);
    if (ended !== undefined) meter.ended(ended);
    await meter.close(patienceMs);
    const inline = countTokens(text);
    const reached = countTokens(told1) + countTokens(told2);
    expect([...recorded]).toEqual([['tokens_avoided local-1 exact', inline - reached]]);
    await told.save();
    expect(await store.told(runId)).toMatchObject({
      replies: 2,
      counted_bytes: told1.length + told2.length,
      tokens: reached,
      inline: { tokens: inline, method: 'exact' },
    });
    expect(told.kept(runId)).toEqual([]);
  });

  it('is counted where an output is stored, each for the worker that made it', async () => {
    const { end, meter, recorded, contents, state } = await setting();
    const sha256 = 'a'.repeat(64);
    contents.set(sha256, { tokens: 123_456, method: 'sampled' });
    await end([output({ sha256, worker_id: 'local-2' }), output()]);
    await meter.close(patienceMs);
    expect(Object.fromEntries(recorded)).toEqual({
      'tokens_avoided local-2 sampled': 123_456,
      'tokens_avoided local-1 exact': countTokens(text),
    });
    expect(state.reads).toBe(Math.ceil(text.length / 4_000));
  });

  it('leaves an output out that nobody can read', async () => {
    const { end, tell, meter, recorded, unreachable, store, told, runId } = await setting();
    unreachable();
    tell(told1);
    await end([output()]);
    await meter.close(patienceMs);
    expect([...recorded]).toEqual([['tokens_avoided local-1 exact', -countTokens(told1)]]);
    await told.save();
    expect((await store.told(runId))?.inline).toBeUndefined();
  });

  it('counts what is told of a run for its worker, from when it has one; for none where it never has', async () => {
    const placed = await setting();
    placed.tell(told1);
    await placed.meter.close(patienceMs);
    expect([...placed.recorded]).toEqual([]);

    const cancelled = await setting();
    cancelled.tell(told1);
    const [run] = await cancelled.store.cancel([cancelled.runId], 9);
    if (run !== undefined) cancelled.meter.ended(run);
    await cancelled.meter.close(patienceMs);
    expect([...cancelled.recorded]).toEqual([['tokens_avoided none exact', -countTokens(told1)]]);
  });

  it('reckons replies that could not be counted by those that were', async () => {
    const { end, tell, meter, recorded, state } = await setting();
    state.fails = 1;
    tell(told1);
    await end([]);
    await expect.poll(() => state.fails, { timeout: 5_000 }).toBe(0);
    tell(told2, told2);
    await meter.close(patienceMs);
    const known = 2 * countTokens(told2);
    const reckoned = Math.round((told1.length * known) / (2 * told2.length));
    expect(Object.fromEntries(recorded)).toEqual({
      'tokens_avoided local-1 exact': -known,
      'tokens_avoided local-1 sampled': -reckoned,
    });
  });

  it('reckons replies that were let go before they could be counted', async () => {
    const { end, tell, meter, recorded } = await setting();
    const page = text.repeat(20);
    tell(told1, page, page, page, page, page, page);
    await end([]);
    await meter.close(patienceMs);
    const [exact = 0, sampled = 0] = ['exact', 'sampled'].map((method) =>
      Number(recorded.get(`tokens_avoided local-1 ${method}`)),
    );
    const perByte = countTokens(text) / text.length;
    // Of what is longer than is kept at a time, five pages are.
    expect(-exact / (5 * page.length * perByte)).toBeCloseTo(1, 2);
    expect(-sampled / ((page.length + told1.length) * perByte)).toBeCloseTo(1, 2);
  });

  it('tries a run again that could not be counted', async () => {
    const { end, meter, recorded, state } = await setting();
    state.fails = 1;
    await end([output()]);
    await meter.close(patienceMs);
    expect([...recorded]).toEqual([['tokens_avoided local-1 exact', countTokens(text)]]);
  });

  it('goes on with other runs where one cannot be counted', async () => {
    const { store, end, meter, recorded, contents, state } = await setting();
    const other = newRun();
    await store.submit([other]);
    await store.claim([claimOf(other.run_id, { worker: 'local-2' })]);
    const sha256 = 'b'.repeat(64);
    contents.set(sha256, { tokens: 9, method: 'exact' });
    const handles = [output({ sha256, worker_id: 'local-2' })];
    const [ended] = await store.finish([finishOf(other.run_id, { handles })]);
    state.fails = 99;
    await end([output()]);
    if (ended !== undefined) meter.ended(ended);
    await meter.close(patienceMs);
    expect([...recorded]).toEqual([['tokens_avoided local-2 exact', 9]]);
  });
});
