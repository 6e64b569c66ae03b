import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { keepSparePools, type SparePools } from '../../../servers/worker/runner/spare-pools.ts';

function open() {
  const made: string[] = [];
  const discarded: string[] = [];
  const taken: string[] = [];
  const pools: SparePools<string> = keepSparePools({
    isGood: () => true,
    discard: (item) => {
      discarded.push(item);
      return Promise.resolve();
    },
  });
  const take = async (key: string): Promise<string> => {
    const item = await pools.take(key, () => {
      made.push(`${key}${String(made.length)}`);
      return Promise.resolve(made.at(-1) ?? '');
    });
    for (let round = 0; round < 3; round += 1) await turn();
    taken.push(item);
    return item;
  };
  const ahead = (): string[] => made.filter((item) => !taken.includes(item) && !discarded.includes(item));
  return { pools, made, discarded, take, ahead };
}

describe('spares of several kinds', () => {
  it('keep one ahead of a kind from its second time on', async () => {
    const { take, made, ahead, pools } = open();
    await take('a');
    expect(made).toHaveLength(1);
    await take('a');
    const [spare] = ahead();
    expect(spare).toBeDefined();
    expect(await take('a')).toBe(spare);
    await pools.close();
  });

  it('are given up for kinds asked for again, not for those asked for once', async () => {
    const { take, ahead, discarded, pools } = open();
    await take('a');
    await take('a');
    const [spare] = ahead();
    for (const once of ['b', 'c', 'd', 'e']) await take(once);
    expect(await take('a')).toBe(spare);
    expect(discarded).toEqual([]);
    const next = ahead();
    for (const twice of ['b', 'c', 'd']) await take(twice);
    expect(discarded).toEqual(next);
    await pools.close();
  });

  it('are all given up at the end', async () => {
    const { take, ahead, discarded, pools } = open();
    await take('a');
    await take('a');
    const kept = ahead();
    await pools.close();
    expect(kept).toHaveLength(1);
    expect(discarded).toEqual(kept);
  });
});
