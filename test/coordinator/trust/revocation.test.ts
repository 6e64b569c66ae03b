import { expect, it } from 'vitest';
import type { Signed } from '../../../schemas/descriptor.ts';
import { eventually } from '../../helpers/processes.ts';
import { farWorker, honest, type Far } from './far-worker.ts';

async function withRun(signed: Parameters<typeof farWorker>[0] = honest): Promise<Far & { run: string }> {
  const far = await farWorker(signed);
  const [run = ''] = await far.fleet.start(1);
  await eventually(() => far.worker.started.length === 1, 5_000);
  return { ...far, run };
}

it('ends what a revoked worker has, and lets it go', async () => {
  const far = await withRun();
  far.enrol({ revoked: 'cancel' }, 1);
  const ended = await far.fleet.ended(far.run);
  expect(ended.status).toBe('cancelled');
  await eventually(() => far.fleet.parts.fleet.get('far')?.link === undefined, 5_000);
  const [next = ''] = await far.fleet.start(1);
  await eventually(() => (far.fleet.parts.fleet.get('far')?.failedTries ?? 0) > 0, 5_000);
  expect([far.worker.started.length, (await far.fleet.run(next)).status]).toEqual([1, 'pending']);
});

it('lets one that may finish do so, gives it nothing new, and then lets it go', async () => {
  const far = await withRun();
  far.enrol({ revoked: 'finish' }, 1);
  const worker = far.fleet.parts.fleet.get('far');
  await eventually(() => worker?.revoked === true, 5_000);
  const [next = ''] = await far.fleet.start(1);
  far.worker.complete([...far.worker.runs.values()][0]);
  expect((await far.fleet.ended(far.run)).status).toBe('completed');
  await eventually(() => worker?.link === undefined, 5_000);
  expect([far.worker.started.length, (await far.fleet.run(next)).status]).toEqual([1, 'pending']);
});

it('asks for another proof at half of its time, and lets a worker go that has none', async () => {
  const signed: Signed[] = [];
  let isHonest = true;
  const far = await withRun((asked, at) => {
    const one = honest(asked, at);
    signed.push(one);
    return isHonest ? one : { ...one, signature: 'AAAA' };
  });
  const poll = (): void => far.worker.tell([...far.worker.runs.values()][0], {});
  far.fleet.clock.nowMs += 299_000;
  poll();
  poll();
  expect(signed).toHaveLength(1);
  far.fleet.clock.nowMs += 1_000;
  poll();
  await eventually(() => signed.length === 2, 5_000);
  isHonest = false;
  await eventually(() => {
    far.fleet.clock.nowMs += 100_000;
    poll();
    return far.fleet.parts.fleet.get('far')?.state === 'down';
  }, 5_000);
  expect(far.fleet.parts.fleet.get('far')?.refusal).toContain('no enrolled key');
});
