import { describe, expect, it } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { taskManifest, newTaskIndex, readOn } from '../../coordinator/manifest/task-index.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

const failed = { status: 'failed', outcome: { kind: 'exit', code: 1 } } as const;

async function started(options: Parameters<typeof fakeFleet>[0] = { slots: [4] }): Promise<FakeFleet> {
  const fleet = await fakeFleet(options);
  await allUp(fleet);
  return fleet;
}

async function isRunning(fleet: FakeFleet, runId: string): Promise<void> {
  await fleet.until(runId, (run) => run.attempts.at(-1)?.remote_run_id !== undefined);
}

function end(fleet: FakeFleet, runId: string, as: 'well' | 'badly'): void {
  for (const worker of fleet.workers) {
    const run = worker.byKey(attemptKey(runId, 1));
    if (run === undefined) continue;
    if (as === 'well') worker.complete(run);
    else worker.tell(run, { ...failed, ended_at: Date.now() });
  }
}

async function waitingFor(fleet: FakeFleet, runId: string): Promise<string | undefined> {
  const { runs } = await fleet.tools.poll_run({ run_ids: [runId] }, fleet.call);
  return runs[0]?.waiting_for;
}

describe('a run that comes after others', () => {
  it('begins once all of them have ended, and says until then what it waits for', async () => {
    const fleet = await started();
    const [a = '', b = ''] = await fleet.start(2);
    const [last = ''] = await fleet.start(1, { runs: [{ after: [a, b] }] });
    await isRunning(fleet, b);
    expect(await waitingFor(fleet, last)).toBe('after');
    end(fleet, a, 'well');
    await fleet.ended(a);
    expect((await fleet.run(last)).status).toBe('pending');
    end(fleet, b, 'badly');
    await isRunning(fleet, last);
    expect(fleet.parts.readiness.size).toBe(0);
  });

  it('begins at once where they had ended before', async () => {
    const fleet = await started();
    const [a = ''] = await fleet.start(1);
    await isRunning(fleet, a);
    end(fleet, a, 'well');
    await fleet.ended(a);
    const [last = ''] = await fleet.start(1, { runs: [{ after: [a] }] });
    await isRunning(fleet, last);
  });

  it('names earlier entries of its call by their labels', async () => {
    const fleet = await started();
    const runs = [{ label: 'build' }, { label: 'test', after: ['build'] }, { after: ['build', 'test'] }];
    const [build = '', test = '', last = ''] = await fleet.start(3, { runs });
    expect((await fleet.run(last)).spec.after).toEqual([build, test]);
    await isRunning(fleet, build);
    end(fleet, build, 'well');
    await isRunning(fleet, test);
    expect((await fleet.run(last)).status).toBe('pending');
    end(fleet, test, 'well');
    await isRunning(fleet, last);
  });

  it('is the same run when its call is repeated, with the runs it was to come after', async () => {
    const fleet = await started();
    const call = { ...fleet.call, callId: 'c1' };
    const input = {
      pipeline: 'work',
      cwd: fleet.folder,
      runs: [{ label: 'a' }, { label: 'b', after: ['a'] }],
    };
    const first = await fleet.tools.start_run(input, call);
    const again = await fleet.tools.start_run(input, call);
    expect(again.runs.map((run) => run.run_id)).toEqual(first.runs.map((run) => run.run_id));
    await expect(
      fleet.tools.start_run({ ...input, runs: [{ label: 'a' }, { label: 'b' }] }, call),
    ).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it.each([
    ['run_aaaaaaaaaaaaaaaaaaaaa', 'NOT_FOUND'],
    ['later', 'INVALID_INPUT'],
    ['twice', 'INVALID_INPUT'],
  ])('is refused with all of its call where %s is none to wait for', async (name, code) => {
    const fleet = await started();
    const runs = [{ label: 'twice' }, { label: 'twice' }, { after: [name] }, { label: 'later' }];
    await expect(fleet.start(4, { runs })).rejects.toMatchObject({ code });
    expect(await fleet.store.open()).toEqual([]);
  });

  it('ends cancelled with the reason where one failed and on_failure is stop', async () => {
    const fleet = await started();
    const [a = '', b = ''] = await fleet.start(2);
    const [last = ''] = await fleet.start(1, { runs: [{ after: [a, b] }], on_failure: 'stop' });
    const [behind = ''] = await fleet.start(1, { runs: [{ after: [last] }], on_failure: 'stop' });
    await isRunning(fleet, a);
    end(fleet, a, 'badly');
    expect(await fleet.ended(last)).toMatchObject({
      status: 'cancelled',
      outcome: { kind: 'cancelled', reason: `${a}, which it waits for, ended failed.` },
      attempts: [],
    });
    expect((await fleet.ended(behind)).outcome).toMatchObject({ reason: expect.stringContaining(last) });
    expect((await fleet.run(b)).status).toBe('running');
    expect(fleet.parts.readiness.size).toBe(0);
  });

  it('goes on when what it waits for is cancelled, or is cancelled with it', async () => {
    const fleet = await started({ slots: [1] });
    const [busy = '', a = '', b = ''] = await fleet.start(3);
    const [goesOn = ''] = await fleet.start(1, { runs: [{ after: [a] }] });
    const [stops = ''] = await fleet.start(1, { runs: [{ after: [b] }], on_failure: 'stop' });
    await isRunning(fleet, busy);
    await fleet.tools.cancel_run({ run_ids: [a, b] }, fleet.call);
    expect((await fleet.ended(stops)).status).toBe('cancelled');
    end(fleet, busy, 'well');
    await isRunning(fleet, goesOn);
  });

  it('can be cancelled and held while it waits', async () => {
    const fleet = await started();
    const [a = ''] = await fleet.start(1);
    const [one = '', two = ''] = await fleet.start(2, { runs: [{ after: [a] }, { after: [a] }] });
    await fleet.tools.cancel_run({ run_ids: [one] }, fleet.call);
    expect((await fleet.run(one)).outcome).toEqual({ kind: 'cancelled' });
    await fleet.tools.pause_run({ run_id: two }, fleet.call);
    await isRunning(fleet, a);
    end(fleet, a, 'well');
    await fleet.ended(a);
    expect((await fleet.run(two)).status).toBe('paused');
    await fleet.tools.resume_run({ run_id: two }, fleet.call);
    await isRunning(fleet, two);
    expect((await fleet.run(one)).attempts).toEqual([]);
  });

  it('waits on after a restart, and begins at once where they ended meanwhile', async () => {
    const fleet = await started();
    const [a = '', b = ''] = await fleet.start(2);
    const [one = '', two = ''] = await fleet.start(2, { runs: [{ after: [a] }, { after: [b] }] });
    await isRunning(fleet, a);
    await isRunning(fleet, b);
    // The coordinator dies between the end of `a` and what was to follow.
    const { ended } = fleet.parts.readiness;
    fleet.parts.readiness.ended = () => undefined;
    end(fleet, a, 'well');
    await fleet.ended(a);
    fleet.parts.readiness.ended = ended;
    const again = await fleet.again();
    await isRunning(again, one);
    expect(await waitingFor(again, two)).toBe('after');
    end(again, b, 'well');
    await isRunning(again, two);
  });
});

describe('a group', () => {
  it('that stops cancels what waits and what runs at its first failure', async () => {
    const fleet = await started({ slots: [2] });
    const [a = '', b = '', c = ''] = await fleet.start(3, { on_failure: 'stop' });
    const [other = ''] = await fleet.start(1, { on_failure: 'stop' });
    await isRunning(fleet, b);
    end(fleet, a, 'badly');
    const reason = `${a} of its group failed.`;
    expect(await fleet.ended(c)).toMatchObject({ outcome: { kind: 'cancelled', reason }, attempts: [] });
    await fleet.until(b, (run) => run.cancel_requested);
    expect(await fleet.ended(b)).toMatchObject({ status: 'cancelled', outcome: { reason } });
    await isRunning(fleet, other);
  });

  it('goes on otherwise', async () => {
    const fleet = await started({ slots: [2] });
    const [a = '', b = '', c = ''] = await fleet.start(3);
    await isRunning(fleet, b);
    end(fleet, a, 'badly');
    await isRunning(fleet, c);
    expect((await fleet.run(b)).status).toBe('running');
  });

  it('that failed before a restart is stopped after it', async () => {
    const fleet = await started({ slots: [2] });
    const [a = '', b = '', c = ''] = await fleet.start(3, { on_failure: 'stop' });
    await isRunning(fleet, a);
    await isRunning(fleet, b);
    fleet.parts.readiness.ended = () => undefined;
    end(fleet, a, 'badly');
    await fleet.ended(a);
    const again = await fleet.again();
    expect((await again.ended(b)).status).toBe('cancelled');
    expect((await again.ended(c)).status).toBe('cancelled');
  });

  it('stands in the index of its task, with what its runs come after', async () => {
    const fleet = await started();
    const [a, b] = await fleet.start(2, { runs: [{ label: 'a' }, { after: ['a'] }] });
    const [c] = await fleet.start(1, { runs: [{}] });
    const index = newTaskIndex('local', 'task');
    await readOn(index, fleet.store, 0, async () => undefined);
    const runs = taskManifest(index, undefined).runs;
    const of = (runId: string | undefined) => runs.find((run) => run.run_id === runId);
    expect(of(a)?.group).toMatch(/^grp-/);
    expect(of(b)).toMatchObject({ group: of(a)?.group, after: [a] });
    expect(of(c)?.group).not.toBe(of(a)?.group);
  });
});

describe('poll_run of a task', () => {
  it('answers any and all in one call, over runs that wait and groups that stop', async () => {
    const fleet = await started();
    const [a = '', b = ''] = await fleet.start(2, {
      runs: [{ label: 'a' }, { after: ['a'] }, { after: ['a'] }],
      on_failure: 'stop',
    });
    await isRunning(fleet, a);
    const ask = (until: 'any' | 'all') =>
      fleet.tools.poll_run({ task_id: 'task', until, wait_ms: 10_000 }, fleet.call);
    const [any, all] = [ask('any'), ask('all')];
    end(fleet, a, 'badly');
    expect((await any).runs.map((run) => run.run_id)).toContain(a);
    const reply = await all;
    expect(reply.open).toBe(0);
    expect(reply.runs.map((run) => run.status).sort()).toEqual(['cancelled', 'cancelled', 'failed']);
    expect(reply.runs.find((run) => run.run_id === b)?.outcome).toContain(a);
  });
});
