import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMemoryRunStore } from '../../coordinator/store/memory-run-store.ts';
import type { RunStore } from '../../coordinator/store/run-store.ts';
import { openSqliteRunStore } from '../../coordinator/store/sqlite-run-store.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

const stores: [string, () => Promise<RunStore>][] = [
  ['memory', () => Promise.resolve(createMemoryRunStore())],
  ['SQLite', () => openSqliteRunStore(join(scratchFolder(), 'fleet.db'))],
];

async function started(open: () => Promise<RunStore>): Promise<FakeFleet> {
  const store = await open();
  onTestFinished(() => store.close());
  const fleet = await fakeFleet({ slots: [4], store });
  await allUp(fleet);
  return fleet;
}

const task = { pipeline: 'work', task_id: 'one' };

describe.each(stores)('a group, in %s', (_name, open) => {
  it('is named in the reply, and ends whole where it is cancelled, also by the next coordinator', async () => {
    const fleet = await started(open);
    const call = { ...task, cwd: fleet.folder, runs: Array.from({ length: 3 }, () => ({})) };
    const first = await fleet.tools.start_run(call, fleet.call);
    const second = await fleet.tools.start_run(call, fleet.call);
    expect(first.group).toMatch(/^grp-/);
    expect(second.group).not.toBe(first.group);
    const ids = first.runs.map((run) => run.run_id);

    const others = { ...fleet.call, owner: 'somebody else' };
    expect((await fleet.tools.cancel_run({ group: first.group }, others)).runs).toEqual([]);
    expect(
      (await fleet.tools.cancel_run({ group: first.group, task_id: 'another' }, fleet.call)).runs,
    ).toEqual([]);

    const next = await fleet.again();
    await allUp(next);
    const { runs } = await next.tools.cancel_run({ group: first.group, task_id: 'one' }, next.call);
    expect(runs.map((run) => run.run_id).toSorted()).toEqual(ids.toSorted());
    for (const id of ids) expect((await next.ended(id)).status).toBe('cancelled');
    for (const { run_id: id } of second.runs) expect((await next.run(id)).ended_at).toBeUndefined();
    expect(await next.tools.cancel_run({ group: first.group }, next.call)).toEqual({
      runs: [],
      next: 'Every run of it had ended before.',
    });
  });

  it('is made of the runs of one call alone', async () => {
    const fleet = await started(open);
    expect(await fleet.tools.start_run({ ...task, cwd: fleet.folder }, fleet.call)).not.toHaveProperty(
      'group',
    );
    const keyed = { ...task, cwd: fleet.folder, request_key: 'k', runs: [{}, {}] };
    const { group } = await fleet.tools.start_run(keyed, fleet.call);
    expect(await fleet.tools.start_run(keyed, fleet.call)).toMatchObject({ group });
  });
});
