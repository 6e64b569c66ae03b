import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createTold, type Told } from '../../coordinator/told.ts';
import { createMemoryRunStore } from '../../coordinator/store/memory-run-store.ts';
import type { RunStore } from '../../coordinator/store/run-store.ts';
import { newRun } from '../helpers/runs.ts';

interface Setting {
  told: Told;
  store: RunStore;
  /** As many runs as asked for. */
  ids: string[];
}

async function setting(count: number): Promise<Setting> {
  const store = createMemoryRunStore();
  const runs = Array.from({ length: count }, () => newRun());
  await store.submit(runs);
  return { told: createTold(store), store, ids: runs.map((run) => run.run_id) };
}

const part = (text: string, ...ids: string[]) => ({ run_ids: ids, text });

describe('what agents were told', () => {
  it('is kept by run, and written down', async () => {
    const { told, store, ids } = await setting(2);
    const [a = '', b = ''] = ids;
    told.add([part('four', a), part('sieben!', a, b)]);
    told.add([part('é', a)]);
    expect(told.kept(a)).toEqual([
      { text: 'four', runs: 1, bytes: 4 },
      { text: 'sieben!', runs: 2, bytes: 4 },
      { text: 'é', runs: 1, bytes: 2 },
    ]);
    expect(await store.told(a)).toBeUndefined();
    await told.save();
    expect(await store.told(a)).toMatchObject({ replies: 2, bytes: 10, counted_bytes: 0 });
    expect(await store.told(b)).toMatchObject({ replies: 1, bytes: 3 });
    await told.save();
    expect(await store.told(a)).toMatchObject({ replies: 2, bytes: 10 });
  });

  it('rides with another write, in the same commit', async () => {
    const { told, store, ids } = await setting(1);
    const [a = ''] = ids;
    told.add([part('four', a)]);
    await store.drain('local-1', true);
    expect(await store.told(a)).toMatchObject({ replies: 1, bytes: 4 });
  });

  it('is written by itself where nothing else is', async () => {
    const { told, store, ids } = await setting(1);
    const [a = ''] = ids;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    told.add([part('four', a)]);
    await vi.advanceTimersByTimeAsync(4_900);
    expect(await store.told(a)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(200);
    expect(await store.told(a)).toMatchObject({ replies: 1, bytes: 4 });
  });

  it('is told again where it could not be written', async () => {
    const { store, ids } = await setting(1);
    const [a = ''] = ids;
    let fails = true;
    const told = createTold({
      ...store,
      tell: (rows) => (fails ? Promise.reject(new Error('the disk is full')) : store.tell(rows)),
    });
    told.add([part('four', a)]);
    await told.save();
    fails = false;
    told.add([part('five!', a)]);
    await told.save();
    expect(await store.told(a)).toMatchObject({ replies: 2, bytes: 9 });
  });

  it('is taken to be counted, and stays until it is', async () => {
    const { told, store, ids } = await setting(2);
    const [a = '', b = ''] = ids;
    told.add([part('one', a), part('three', a, b), part('four', b)]);
    const taken = told.take(5);
    expect(taken.map(({ text }) => text)).toEqual(['one', 'three']);
    expect(told.kept(b).map(({ text }) => text)).toEqual(['three', 'four']);
    told.counted(part('not of these', a), undefined);
    for (const one of taken) told.counted(one, 7);
    expect(told.kept(b).map(({ text }) => text)).toEqual(['four']);
    told.inline(b, { tokens: 900, method: 'sampled' });
    await told.save();
    expect(await store.told(a)).toMatchObject({ bytes: 6, counted_bytes: 6, tokens: 7 + 4 });
    expect(await store.told(b)).toMatchObject({ bytes: 6, counted_bytes: 2, tokens: 3 });
    expect((await store.told(b))?.inline).toEqual({ tokens: 900, method: 'sampled' });
  });

  it('is not what was not sent after all, be it taken already or not', async () => {
    const { told, store, ids } = await setting(1);
    const [a = ''] = ids;
    const [early, late] = [{}, {}];
    told.add([part('early', a)], early);
    const [taken = part('')] = told.take(1);
    await told.save();
    told.retract(early);
    told.retract(early);
    told.counted(taken, 9);
    told.add([part('late', a)], late);
    told.retract(late);
    told.add([part('sent', a)], {});
    await told.save();
    expect(told.kept(a).map(({ text }) => text)).toEqual(['sent']);
    expect(await store.told(a)).toMatchObject({ replies: 1, bytes: 4, counted_bytes: 0, tokens: 0 });
  });

  it('keeps the latest texts, of all their sizes', async () => {
    const { told, store, ids } = await setting(2);
    const [a = '', b = ''] = ids;
    const page = 'x'.repeat(32 * 1024);
    for (let at = 0; at < 200; at += 1) told.add([part(page, at < 100 ? a : b)]);
    expect(told.kept(a)).toEqual([]);
    expect(told.kept(b)).toHaveLength(32);
    for (let at = 0; at < 10_000; at += 1) told.add([part('', a)]);
    expect(told.kept(a)).toHaveLength(4_096);
    expect(told.kept(b)).toEqual([]);
    await told.save();
    expect(await store.told(a)).toMatchObject({ replies: 10_100, bytes: 100 * page.length });
  });
});
