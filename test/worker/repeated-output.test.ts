import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTestWorker, until } from './support/test-worker.ts';

test.each([
  ['large', 5_000],
  ['small', 5],
])('retries reuse persisted blobs: a %s output is stored once, and its run says so', async (_size, lines) => {
  const worker = await openTestWorker();
  const peer = await worker.connect();
  const output = 'the same every time\n'.repeat(lines);
  const tell = async (attempt: number) => {
    // As a coordinator asks for the attempts of one run.
    const request_key = `run_V1StGXR8Z5jdHi6BmyT01.${attempt}`;
    const { runs } = await peer.call('start_run', { pipeline: 'tell', cwd: '/tmp', request_key });
    const session = await worker.command.session(attempt);
    session.write('stdout', output);
    session.finish({ kind: 'exit', code: attempt === 1 ? 1 : 0 });
    const detail = await until(peer, runs[0]?.run_id ?? '', 'completed', 'failed');
    const [snapshot] = (await peer.call('poll_run', { run_ids: [detail.run_id] })).runs;
    return { handle: detail.handles[0], snapshot };
  };
  const first = await tell(1);
  expect(first.snapshot).not.toHaveProperty('reused_bytes');
  const blobs = () => readdirSync(join(worker.dir, 'blobs'), { recursive: true }).length;
  const inJournal = () =>
    readFileSync(join(worker.dir, 'handles', 'journal.jsonl'), 'utf8').split('"inline"').length;
  const before = [blobs(), inJournal()];
  const retry = await tell(2);
  expect(retry.snapshot?.reused_bytes).toBe(output.length);
  expect(retry.handle).toMatchObject({ reused_bytes: output.length, sha256: first.handle?.sha256 });
  expect(retry.handle?.handle_id).not.toBe(first.handle?.handle_id);
  expect([blobs(), inJournal()]).toEqual(before);
});
