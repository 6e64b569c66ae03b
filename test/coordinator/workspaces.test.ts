import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FleetError } from '../../core/errors.ts';
import { startInput } from '../../coordinator/fleet/start-input.ts';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

const stages = [{ name: 'work', engine: 'command', argv: ['/bin/true'] }];
const config = { pipelines: { work: { stages }, codex: { read_only: true, stages } } };

async function open(slots = [4, 4]): Promise<FakeFleet> {
  const fleet = await fakeFleet({ slots, config });
  await allUp(fleet);
  writeFileSync(join(fleet.folder, '.git'), 'gitdir: elsewhere\n');
  for (const name of ['a', 'b']) mkdirSync(join(fleet.folder, name));
  return fleet;
}

async function snapshots({ tools, call }: FakeFleet, runIds: string[]) {
  const { runs } = await tools.poll_run({ run_ids: runIds }, call);
  return runIds.map((runId) => runs.find((run) => run.run_id === runId));
}

async function standing(fleet: FakeFleet, runIds: string[]): Promise<string[]> {
  const runs = await Promise.all(runIds.map((runId) => fleet.run(runId)));
  return runs.map((run) => run.status);
}

async function placed(fleet: FakeFleet, runId: string): Promise<void> {
  await fleet.until(runId, (run) => run.attempts.at(-1)?.remote_run_id !== undefined);
}

/** Lets the worker that has a run end it. */
async function complete(fleet: FakeFleet, runId: string, attempt = 1): Promise<void> {
  const key = attemptKey(runId, attempt);
  await placed(fleet, runId);
  const worker = fleet.workers.find((one) => one.byKey(key) !== undefined);
  worker?.complete(worker.byKey(key));
  await fleet.ended(runId);
}

describe('runs that write in place', () => {
  it('have a work tree one after the other, wherever in it they work, and say what they wait for', async () => {
    const fleet = await open();
    const cwds = [fleet.folder, join(fleet.folder, 'a'), join(fleet.folder, 'b')];
    const ids = await fleet.start(3, { runs: cwds.map((cwd) => ({ cwd })) });
    const [one = '', two = '', three = ''] = ids;
    await placed(fleet, one);
    expect((await snapshots(fleet, ids)).map((run) => [run?.status, run?.waiting_for])).toEqual([
      ['running', undefined],
      ['pending', 'workspace'],
      ['pending', 'workspace'],
    ]);
    await complete(fleet, one);
    await placed(fleet, two);
    expect(await standing(fleet, ids)).toEqual(['completed', 'running', 'pending']);
    await fleet.tools.cancel_run({ run_ids: [two] }, fleet.call);
    await fleet.ended(two);
    await placed(fleet, three);
    await complete(fleet, three);
  });

  it('are passed by all others: who reads, who opts out, who has a copy, who works elsewhere', async () => {
    const fleet = await open();
    const other = join(fleet.folder, 'other');
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, '.git'), 'gitdir: elsewhere\n');
    const [, waiting = ''] = await fleet.start(2);
    const passing = [
      ...(await fleet.start(1, { pipeline: 'codex' })),
      ...(await fleet.start(1, { shared_workspace: true })),
      ...(await fleet.start(1, { workspace: 'clone' })),
      ...(await fleet.start(1, { cwd: other })),
    ];
    for (const runId of passing) await placed(fleet, runId);
    expect((await fleet.run(waiting)).status).toBe('pending');
  });

  it('have their folder to themselves where there is no repository', async () => {
    const fleet = await fakeFleet({ slots: [4], config });
    await allUp(fleet);
    mkdirSync(join(fleet.folder, 'a'));
    const ids = await fleet.start(3, { runs: [{}, {}, { cwd: join(fleet.folder, 'a') }] });
    await placed(fleet, ids[2] ?? '');
    expect(await standing(fleet, ids)).toEqual(['running', 'pending', 'running']);
  });

  it('keep it over a pause, a lost worker and a restart of the coordinator', async () => {
    const fleet = await open([4]);
    const ids = await fleet.start(2);
    const [one = '', two = ''] = ids;
    await placed(fleet, one);
    await fleet.tools.pause_run({ run_id: one }, fleet.call);
    expect(await standing(fleet, ids)).toEqual(['paused', 'pending']);

    const after = await fleet.again();
    await allUp(after);
    await after.parts.scheduler.tick(after.clock.nowMs);
    expect(await standing(after, ids)).toEqual(['paused', 'pending']);
    expect((await snapshots(after, [two]))[0]?.waiting_for).toBe('workspace');
    await after.tools.resume_run({ run_id: one }, after.call);
    const [worker] = after.workers;
    worker?.tell(worker.byKey(attemptKey(one, 1)), {
      status: 'paused',
      outcome: { kind: 'lost', resumable: true },
      engine_thread_id: 'th',
    });
    await after.until(one, (run) => run.attempts.length === 2);
    expect(await standing(after, ids)).toEqual(['running', 'pending']);
    await complete(after, one);
    await placed(after, two);
  });

  it('give it back where they never began', async () => {
    const fleet = await open([1, 1]);
    const full = new FleetError('NO_CAPACITY', 'full');
    for (const worker of fleet.workers) worker.onStart = () => full;
    const [one = ''] = await fleet.start(1);
    await fleet.until(one, (run) => run.attempts.at(-1)?.outcome?.kind === 'spawn');
    await fleet.tools.pause_run({ run_id: one }, fleet.call);
    for (const worker of fleet.workers) worker.onStart = () => 'accept';
    fleet.clock.uptimeMs += 1_000;
    const [two = ''] = await fleet.start(1);
    await placed(fleet, two);
    expect(await standing(fleet, [one, two])).toEqual(['paused', 'running']);
  });

  it('give it back where a batch is refused', async () => {
    const fleet = await open();
    const [one = ''] = await fleet.start(1, { runs: [{ request_key: 'k' }] });
    await complete(fleet, one);
    const batch = [{ label: 'new' }, { request_key: 'k', label: 'other' }];
    await expect(fleet.start(1, { runs: batch })).rejects.toMatchObject({ code: 'CONFLICT' });
    const [two = ''] = await fleet.start(1);
    await placed(fleet, two);
  });

  it('started by a run do not wait for that one', async () => {
    const fleet = await fakeFleet({ slots: [4], config: { ...config, max_depth: 2 } });
    await allUp(fleet);
    const [outer = ''] = await fleet.start(1);
    await placed(fleet, outer);
    const input = { pipeline: 'work', cwd: fleet.folder, runs: [{}, {}] };
    const inner = await fleet.tools.start_run(input, { ...fleet.call, depth: 1 });
    const ids = inner.runs.map((run) => run.run_id);
    await placed(fleet, ids[0] ?? '');
    expect(await standing(fleet, ids)).toEqual(['running', 'pending']);
  });

  it('are handed to their worker with nothing left to its own defaults', async () => {
    const fleet = await open();
    const [plain = ''] = await fleet.start(1);
    const [cloned = ''] = await fleet.start(1, { workspace: 'clone' });
    const allowance = { repeatable: false, reserved: undefined };
    expect(startInput((await fleet.run(plain)).spec, 'k', allowance)).toMatchObject({ workspace: 'none' });
    expect(startInput((await fleet.run(cloned)).spec, 'k', allowance)).toMatchObject({ workspace: 'clone' });
  });
});
