import { expect, it, onTestFinished } from 'vitest';
import type { Read } from '../../../core/remote-bytes.ts';
import { eventually } from '../../helpers/processes.ts';
import { content, far, newFolder, newReplicas, noteOf, runId } from './copying.ts';

const size = 500_000;

it('copies at most two handles at a time, all in the end', async () => {
  const worker = far();
  const { folder } = newFolder();
  const handles = await Promise.all([1, 2, 3, 4, 5].map((n) => worker.keep(content(size, String(n)))));
  const open = new Map<string, number>();
  let most = 0;
  const read: Read = async (input, signal) => {
    open.set(input.handle_id, 1);
    most = Math.max(most, open.size);
    const page = await worker.read(input, signal);
    await new Promise((resolve) => setImmediate(resolve));
    if (page.to_byte === page.bytes) open.delete(input.handle_id);
    return page;
  };
  const replicas = newReplicas(folder, () => read);
  onTestFinished(() => replicas.stop());
  for (const handle of handles) replicas.wasRead(runId, handle);
  await eventually(() => handles.every(({ handle_id: id }) => replicas.has(id)));
  expect(most).toBe(2);
});

it('waits for its worker, and goes on when that is back', async () => {
  const worker = far();
  const { folder } = newFolder();
  const handle = await worker.keep(content(size, 'a'));
  let way: Read | undefined;
  const replicas = newReplicas(folder, () => way);
  onTestFinished(() => replicas.stop());
  replicas.wasRead(runId, handle);
  replicas.poke();
  expect(worker.asked).toEqual([]);
  way = worker.read;
  replicas.poke();
  await eventually(() => replicas.has(handle.handle_id));
});

it('gives up on a worker whose bytes are never those of its hash, and stays so', async () => {
  const worker = far();
  const { folder } = newFolder();
  const handle = await worker.keep(content(1_000, 'a'));
  worker.tamper = (text) => `AAAA${text.slice(4)}`;
  const replicas = newReplicas(folder, () => worker.read);
  replicas.wasRead(runId, handle);
  await eventually(() => folder.note(handle.handle_id)?.refused === true);
  expect(worker.asked.length).toBe(3);
  await replicas.stop();
  const next = newReplicas(folder, () => worker.read);
  onTestFinished(() => next.stop());
  await next.restore([]);
  next.wasRead(runId, handle);
  next.poke();
  expect(worker.asked.length).toBe(3);
});

it('fetches nothing that would go beyond the quota', async () => {
  const worker = far();
  const { folder } = newFolder();
  const [small, large] = [await worker.keep(content(1_000, 'a')), await worker.keep(content(size, 'b'))];
  const replicas = newReplicas(folder, () => worker.read, { quota_bytes: 10_000 });
  onTestFinished(() => replicas.stop());
  replicas.wasRead(runId, large);
  replicas.wasRead(runId, small);
  await eventually(() => replicas.has(small.handle_id));
  expect(replicas.has(large.handle_id)).toBe(false);
  expect(worker.asked.length).toBe(1);
});

it('has whatever is more than a page fetched by another process', async () => {
  const worker = far();
  const { folder } = newFolder();
  const page = 192 * 1024;
  const handles = [await worker.keep(content(page, 'a')), await worker.keep(content(page + 1, 'b'))];
  const fetched: string[] = [];
  const replicas = newReplicas(folder, () => worker.read, { fetched });
  onTestFinished(() => replicas.stop());
  for (const handle of handles) replicas.wasRead(runId, handle);
  await eventually(() => handles.every(({ handle_id: id }) => replicas.has(id)));
  expect(fetched).toEqual([handles[1]?.handle_id]);
});

it('takes up what an earlier coordinator wanted, and lets go what the fleet has forgotten', async () => {
  const worker = far();
  const { folder } = newFolder();
  const handles = await Promise.all([1, 2, 3].map((n) => worker.keep(content(size, String(n)))));
  const [wanted, forgotten, copied] = handles;
  if (wanted === undefined || forgotten === undefined || copied === undefined) throw new Error('none');
  const before = newReplicas(folder, () => worker.read);
  before.wasRead(runId, copied);
  await eventually(() => before.has(copied.handle_id));
  await before.stop();
  await folder.write(noteOf(wanted));
  await folder.write(noteOf(forgotten));
  const known = new Set([wanted.handle_id]);
  const replicas = newReplicas(folder, () => worker.read, { known: (id) => known.has(id) });
  onTestFinished(() => replicas.stop());
  await replicas.restore([]);
  await eventually(() => replicas.has(wanted.handle_id));
  expect(await folder.list()).toEqual([wanted.handle_id]);
  expect(replicas.has(copied.handle_id)).toBe(false);
});

it('keeps nothing of a run that is forgotten before it is copied', async () => {
  const worker = far();
  const { folder } = newFolder();
  const handle = await worker.keep(content(size, 'a'));
  const replicas = newReplicas(folder, () => worker.read);
  replicas.wasRead(runId, handle);
  await replicas.forget([{ handles: [handle] }]);
  await replicas.stop();
  expect(await folder.list()).toEqual([]);
  expect(worker.asked).toEqual([]);
});
