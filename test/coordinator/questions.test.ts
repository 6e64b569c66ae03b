import { describe, expect, it } from 'vitest';
import type { RunDetail } from '../../schemas/worker.ts';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

const asking: Partial<RunDetail> = {
  status: 'input_required',
  question: { kind: 'command', text: 'run make?' },
  engine_thread_id: 'th',
};

/** A fleet with one slot, whose run asks. */
async function askingFleet(more: Partial<RunDetail>): Promise<{ fleet: FakeFleet; id: string }> {
  const fleet = await fakeFleet({ slots: [1] });
  await allUp(fleet);
  const [id = ''] = await fleet.start(1);
  await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
  tell(fleet, id, { ...asking, ...more });
  await fleet.until(id, (run) => run.status === 'input_required');
  return { fleet, id };
}

function tell(fleet: FakeFleet, runId: string, change: Partial<RunDetail>): void {
  const [worker] = fleet.workers;
  worker?.tell(worker.byKey(attemptKey(runId, 1)), change);
}

async function snapshot(fleet: FakeFleet, runId: string) {
  return (await fleet.tools.poll_run({ run_ids: [runId] }, fleet.call)).runs[0];
}

describe('a run that waits for an answer', () => {
  it('lets another one in where its worker lends its slot out', async () => {
    const { fleet } = await askingFleet({ slot: 'freed' });
    const [other = ''] = await fleet.start(1);
    await fleet.until(other, (run) => run.attempts[0]?.remote_run_id !== undefined);
    expect(await snapshot(fleet, other)).toMatchObject({ status: 'running', worker: 'local-1' });
  });

  it('lets in at once what waited before it asked', async () => {
    const fleet = await fakeFleet({ slots: [1] });
    await allUp(fleet);
    const [id = '', other = ''] = await fleet.start(2);
    await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    expect((await fleet.run(other)).status).toBe('pending');
    tell(fleet, id, { ...asking, slot: 'freed' });
    await fleet.until(other, (run) => run.status === 'running');
  });

  it('keeps its slot where its worker does not lend it out', async () => {
    const { fleet } = await askingFleet({});
    const [other = ''] = await fleet.start(1);
    await fleet.parts.leases.check();
    expect((await fleet.run(other)).status).toBe('pending');
  });

  it('waits for a slot once answered, says so, and goes before what is placed anew', async () => {
    const { fleet, id } = await askingFleet({ slot: 'freed' });
    const [second = '', third = ''] = await fleet.start(2);
    await fleet.until(second, (run) => run.attempts[0]?.remote_run_id !== undefined);
    await fleet.tools.resume_run({ run_id: id, answer: 'accept' }, fleet.call);
    tell(fleet, id, { status: 'running', slot: 'awaited' });
    await expect.poll(() => fleet.parts.attempts.get(id)?.awaitsSlot).toBe(true);
    expect(await snapshot(fleet, id)).toMatchObject({ status: 'running', waiting_for: 'slot' });
    tell(fleet, second, { status: 'completed', outcome: { kind: 'exit', code: 0 }, ended_at: 1 });
    expect(await fleet.ended(second)).toMatchObject({ status: 'completed' });
    await fleet.parts.leases.check();
    expect((await fleet.run(third)).status).toBe('pending');
    tell(fleet, id, { slot: undefined });
    await expect.poll(async () => (await snapshot(fleet, id))?.waiting_for).toBe(undefined);
  });

  it('is answered through the next coordinator, its slot still lent out', async () => {
    const { fleet, id } = await askingFleet({ slot: 'freed' });
    const after = await fleet.again();
    await allUp(after);
    expect(await snapshot(after, id)).toMatchObject({ status: 'input_required', question: 'run make?' });
    const [other = ''] = await after.start(1);
    await after.until(other, (run) => run.status === 'running');
    expect(await after.tools.resume_run({ run_id: id, answer: 'decline' }, after.call)).toMatchObject({
      status: 'running',
    });
    expect(after.workers[0]?.resumed).toHaveLength(1);
    expect(await after.run(id)).toMatchObject({ status: 'running', attempts: [{ attempt: 1 }] });
  });

  it('has in its record who declined when nobody answered', async () => {
    const { fleet, id } = await askingFleet({ slot: 'freed' });
    const declined = { at: 7, asked: 'run make?', answer: 'declined' as const, by: 'timeout' as const };
    tell(fleet, id, { status: 'running', decisions: [declined] });
    const run = await fleet.until(id, ({ status }) => status === 'running');
    expect(run.decisions).toEqual([declined]);
  });
});
