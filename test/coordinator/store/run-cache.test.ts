import { expect, it } from 'vitest';
import { createRunCache } from '../../../coordinator/store/run-cache.ts';
import { accepted, cancelled } from '../../../coordinator/store/run-changes.ts';
import { newRun } from '../../helpers/runs.ts';

const run = (seq: number, promptLength = 0) =>
  accepted(newRun({ spec: { prompt: 'p'.repeat(promptLength) } }), seq);

it('makes room by the size of what it holds, the least recently changed first', () => {
  const cache = createRunCache(10_000, { ended: 'dropped' });
  const [first, second, third] = [run(1), run(2), run(3)];
  for (const one of [first, second, third]) cache.put(one);
  cache.put({ ...first, seq: 4 });
  const big = run(5, 3000);
  cache.put(big);
  expect(cache.get(second.run_id)).toBeUndefined();
  expect([first, third, big].map(({ run_id: id }) => cache.get(id)?.seq)).toEqual([4, 3, 5]);
});

it('does not keep what is larger than all its room, what has ended, or anything after a rollback', () => {
  const cache = createRunCache(10_000, { ended: 'dropped' });
  const [huge, short, kept] = [run(1, 20_000), run(2), run(3)];
  cache.put(huge);
  cache.put(short);
  cache.put(cancelled(short, 9));
  cache.put(kept);
  expect([huge, short, kept].map(({ run_id: id }) => cache.get(id)?.seq)).toEqual([undefined, undefined, 3]);
  cache.clear();
  expect(cache.get(kept.run_id)).toBeUndefined();
});
