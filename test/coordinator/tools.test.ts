import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { listWorkers } from '../../coordinator/handlers/list-workers.ts';
import { maxReplyBytes } from '../../schemas/tools.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';
import { FakeWorker } from './fake-worker.ts';

async function fleetUp(slots: number[] = [2]): Promise<FakeFleet> {
  const fleet = await fakeFleet({ slots });
  await allUp(fleet);
  return fleet;
}

/** Ends a run on the worker that has it. */
async function complete(fleet: FakeFleet, runId: string): Promise<void> {
  await fleet.until(runId, (run) => run.status === 'running');
  for (const worker of fleet.workers) {
    const run = worker.byKey(attemptKey(runId, 1));
    if (run !== undefined) worker.complete(run);
  }
  await fleet.ended(runId);
}

describe('start_run', () => {
  it('works only where it may, with links followed, and keeps the real folder', async () => {
    const fleet = await fleetUp();
    const project = join(fleet.folder, 'project');
    mkdirSync(project);
    symlinkSync(project, join(fleet.folder, 'alias'));
    symlinkSync('/etc', join(fleet.folder, 'escape'));
    writeFileSync(join(fleet.folder, 'file'), '');
    const [id = ''] = await fleet.start(1, { cwd: join(fleet.folder, 'alias') });
    expect((await fleet.run(id)).spec.cwd).toBe(project);
    for (const cwd of [
      '/',
      '/etc',
      join(fleet.folder, 'escape'),
      join(fleet.folder, 'file'),
      join(fleet.folder, 'none'),
    ]) {
      await expect(fleet.start(1, { cwd }), cwd).rejects.toMatchObject({ code: 'CWD_NOT_ALLOWED' });
    }
    const { open } = await fleet.store.selectWithOpen({ owner: 'local', after_seq: 0, limit: 1 });
    expect(open).toBe(1);
  });

  it('works by default where the caller stands, and derives the same task for the same call', async () => {
    const fleet = await fleetUp();
    const call = { ...fleet.call, cwd: fleet.folder, callId: 'call-7' };
    const first = await fleet.tools.start_run({ pipeline: 'work' }, call);
    const again = await fleet.tools.start_run({ pipeline: 'work' }, call);
    expect(again.task_id).toBe(first.task_id);
    expect(again.runs[0]?.run_id).toBe(first.runs[0]?.run_id);
    const other = await fleet.tools.start_run({ pipeline: 'work' }, { ...call, callId: 'call-8' });
    expect(other.task_id).not.toBe(first.task_id);
    await expect(fleet.tools.start_run({ pipeline: 'work' }, fleet.call)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  it('tells how long a run will likely wait once some have ended, also after a restart', async () => {
    const fleet = await fleetUp();
    const [first] = await fleet.start(1);
    const key = attemptKey(first ?? '', 1);
    const worker = fleet.workers[0];
    await expect.poll(() => worker?.byKey(key)).toBeDefined();
    worker?.tell(worker.byKey(key), { started_at: 1_000 });
    worker?.tell(worker.byKey(key), {
      status: 'completed',
      outcome: { kind: 'exit', code: 0 },
      ended_at: 5_000,
    });
    await fleet.ended(first ?? '');
    const again = await fleet.again();
    await allUp(again);
    const input = { pipeline: 'work', cwd: fleet.folder, task_id: 'more', runs: [{}, {}, {}, {}] };
    const { runs } = await again.tools.start_run(input, again.call);
    expect(runs.map((run) => run.wait_ms)).toEqual([undefined, undefined, 2_000, 4_000]);
  });

  it('answers about 64 runs within 8 KiB, with places in the queue', async () => {
    const fleet = await fleetUp();
    const runs = Array.from({ length: 64 }, () => ({ label: 'x'.repeat(80) }));
    const task_id = 't'.repeat(64);
    const reply = await fleet.tools.start_run(
      { pipeline: 'work', cwd: fleet.folder, task_id, runs },
      fleet.call,
    );
    expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(maxReplyBytes);
    expect(reply.runs.map((run) => run.status).slice(0, 3)).toEqual(['running', 'running', 'pending']);
    expect(reply.runs.map((run) => run.position).slice(2)).toEqual(
      Array.from({ length: 62 }, (_, at) => at + 1),
    );
  });
});

describe('poll_run', () => {
  it('tells everything once, page by page, each page within 8 KiB', async () => {
    const fleet = await fleetUp();
    const runs = Array.from({ length: 64 }, () => ({ label: 'x'.repeat(80) }));
    const started = await fleet.start(1, { runs });
    const more = await fleet.start(1, { runs });
    const told: string[] = [];
    let cursor: string | undefined;
    for (let page = await poll(); ; page = await poll()) {
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThanOrEqual(maxReplyBytes);
      told.push(...page.runs.map((run) => run.run_id));
      if (!page.more) break;
      expect(page.next).toContain(`"cursor":"${page.cursor}"`);
    }
    expect(new Set(told).size).toBe(128);
    expect(told.toSorted()).toEqual([...started, ...more].toSorted());
    expect((await poll()).runs).toEqual([]);

    async function poll() {
      const input = { task_id: 'task', ...(cursor !== undefined && { cursor }) };
      const page = await fleet.tools.poll_run(input, fleet.call);
      cursor = page.cursor;
      return page;
    }
  });

  it('waits for news, for one end, or for all ends, and is woken by them', async () => {
    const fleet = await fleetUp();
    const [a = '', b = ''] = await fleet.start(2);
    for (const id of [a, b]) await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    const { cursor } = await fleet.tools.poll_run({ task_id: 'task' }, fleet.call);
    const ask = { task_id: 'task', cursor, wait_ms: 10_000 };
    const change = fleet.tools.poll_run({ ...ask, until: 'change' }, fleet.call);
    const any = fleet.tools.poll_run({ ...ask, until: 'any' }, fleet.call);
    const all = fleet.tools.poll_run({ ...ask, until: 'all' }, fleet.call);
    const one = fleet.tools.poll_run({ run_ids: [b], cursor, wait_ms: 10_000 }, fleet.call);
    const first = fleet.workers[0]?.byKey(attemptKey(a, 1));
    fleet.workers[0]?.tell(first, { first_output_at: 1_000_001 });
    expect((await change).runs).toMatchObject([{ run_id: a, status: 'running' }]);
    await complete(fleet, a);
    expect(await any).toMatchObject({ runs: [{ run_id: a, status: 'completed' }], open: 1 });
    await complete(fleet, b);
    expect((await all).runs.map((run) => run.status)).toEqual(['completed', 'completed']);
    expect((await one).runs).toMatchObject([{ run_id: b }]);
    expect(await fleet.tools.poll_run({ ...ask, cursor: (await all).cursor }, fleet.call)).toMatchObject({
      runs: [],
      open: 0,
    });
  });

  it('answers an ended wait with what there is, and a question at once', async () => {
    const fleet = await fleetUp();
    const [a = ''] = await fleet.start(1);
    await fleet.until(a, (run) => run.attempts[0]?.remote_run_id !== undefined);
    const { cursor } = await fleet.tools.poll_run({ run_ids: [a] }, fleet.call);
    expect(await fleet.tools.poll_run({ run_ids: [a], cursor, wait_ms: 20 }, fleet.call)).toMatchObject({
      runs: [],
      open: 1,
      cursor,
    });
    const all = fleet.tools.poll_run({ run_ids: [a], cursor, wait_ms: 10_000, until: 'all' }, fleet.call);
    const run = fleet.workers[0]?.byKey(attemptKey(a, 1));
    fleet.workers[0]?.tell(run, { status: 'input_required', question: { kind: 'command', text: 'May I?' } });
    expect(await all).toMatchObject({ runs: [{ status: 'input_required', question: 'May I?' }] });
    expect((await all).next).toContain('resume_run');
  });

  it('knows nothing of what is not there, or another owner’s', async () => {
    const fleet = await fleetUp();
    const [id = ''] = await fleet.start(1);
    const unknown = { code: 'NOT_FOUND' };
    await expect(
      fleet.tools.poll_run({ run_ids: ['run_000000000000000000000'] }, fleet.call),
    ).rejects.toMatchObject(unknown);
    await expect(fleet.tools.poll_run({ task_id: 'nothing' }, fleet.call)).rejects.toMatchObject(unknown);
    const stranger = { ...fleet.call, owner: 'mallory' };
    await expect(fleet.tools.poll_run({ run_ids: [id] }, stranger)).rejects.toMatchObject(unknown);
    await expect(fleet.tools.poll_run({ task_id: 'task' }, stranger)).rejects.toMatchObject(unknown);
    for (const tool of ['pause_run', 'resume_run'] as const) {
      await expect(fleet.tools[tool]({ run_id: id }, stranger)).rejects.toMatchObject(unknown);
    }
    await expect(fleet.tools.cancel_run({ run_ids: [id] }, stranger)).rejects.toMatchObject(unknown);
    await expect(fleet.tools.poll_run({ run_ids: [id], cursor: 'x' }, fleet.call)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await fleet.tools.poll_run({}, stranger)).toMatchObject({ runs: [], open: 0 });
    expect((await fleet.tools.poll_run({}, fleet.call)).runs).toHaveLength(1);
  });

  it('says what a run waits for', async () => {
    const worker = new FakeWorker('local-1', 1);
    worker.reachable = false;
    const fleet = await fakeFleet({ workers: [worker] });
    const [id = ''] = await fleet.start(1);
    const early = await fleet.tools.poll_run({ run_ids: [id] }, fleet.call);
    worker.reachable = true;
    await allUp(fleet);
    await fleet.until(id, (run) => run.status === 'running');
    const [next = ''] = await fleet.start(1);
    const later = await fleet.tools.poll_run({ run_ids: [next] }, fleet.call);
    expect([early.runs[0]?.waiting_for, later.runs[0]?.waiting_for]).toEqual(['a worker', 'a free slot']);
  });
});

describe('pause_run and resume_run', () => {
  it('hold a run that waits, and let it go on', async () => {
    const fleet = await fleetUp([1]);
    const [a = '', b = ''] = await fleet.start(2);
    expect(await fleet.tools.pause_run({ run_id: b }, fleet.call)).toMatchObject({
      status: 'paused',
      how: 'queued',
    });
    expect(await fleet.tools.pause_run({ run_id: b }, fleet.call)).toMatchObject({ how: 'queued' });
    await complete(fleet, a);
    expect((await fleet.run(b)).status).toBe('paused');
    await expect(fleet.tools.resume_run({ run_id: b, message: 'hello' }, fleet.call)).rejects.toMatchObject({
      code: 'WRONG_STATE',
    });
    expect(await fleet.tools.resume_run({ run_id: b }, fleet.call)).toMatchObject({ status: 'pending' });
    await complete(fleet, b);
    await expect(fleet.tools.resume_run({ run_id: b }, fleet.call)).rejects.toMatchObject({
      code: 'WRONG_STATE',
    });
  });

  it('give the slot of a thread that rests to another run', async () => {
    const fleet = await fleetUp([1]);
    const [a = '', b = ''] = await fleet.start(2);
    await fleet.until(a, (run) => run.attempts[0]?.remote_run_id !== undefined);
    expect(await fleet.tools.pause_run({ run_id: a }, fleet.call)).toMatchObject({ how: 'turn_boundary' });
    await complete(fleet, b);
    expect(await fleet.tools.resume_run({ run_id: a }, fleet.call)).toMatchObject({ status: 'running' });
    await complete(fleet, a);
  });
});

describe('cancel_run', () => {
  it('is for runs that wait, that are held, and that run; a second time it says the same', async () => {
    const fleet = await fleetUp([1]);
    const ids = await fleet.start(3);
    const [a = '', b = '', c = ''] = ids;
    await fleet.until(a, (run) => run.attempts[0]?.remote_run_id !== undefined);
    await fleet.tools.pause_run({ run_id: c }, fleet.call);
    const first = await fleet.tools.cancel_run({ task_id: 'task' }, fleet.call);
    expect(first.runs.map((run) => run.run_id).toSorted()).toEqual([a, b, c].toSorted());
    for (const id of ids) expect(await fleet.ended(id)).toMatchObject({ status: 'cancelled' });
    const again = await fleet.tools.cancel_run({ run_ids: ids }, fleet.call);
    expect(again.runs.map((run) => run.status)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(fleet.workers[0]?.cancelled).toHaveLength(1);
    expect(fleet.parts.scheduler.queued).toBe(0);
    await expect(fleet.tools.cancel_run({ task_id: 'nothing' }, fleet.call)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(fleet.tools.cancel_run({}, fleet.call)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('list_workers', () => {
  it('fits 8 KiB for 64 workers, and explains once what all of them miss', async () => {
    const fleet = await fleetUp(Array.from({ length: 64 }, () => 2));
    const reply = listWorkers({ ...fleet.parts, isStopping: () => false })();
    expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(maxReplyBytes);
    expect(reply.workers[0]?.missing).toEqual([
      'codex: There is no Codex here.',
      'codex-exec: There is no Codex here.',
    ]);
    expect(reply.workers[1]?.missing).toEqual(['codex', 'codex-exec']);
    const shown = reply.workers.length;
    if (shown < 64) expect(reply.next).toContain(`${String(64 - shown)} more`);
  });
});
