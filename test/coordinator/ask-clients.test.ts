import { describe, expect, it } from 'vitest';
import { attemptKey } from '../../coordinator/fleet/open-attempts.ts';
import type { Asked, Call, Connection } from '../../mcp/handlers.ts';
import { deferred, type Deferred } from '../../coordinator/deferred.ts';
import { allUp, fakeFleet, type FakeFleet } from './fake-fleet.ts';

interface Dialog {
  message: string;
  signal: AbortSignal;
  said: Deferred<Asked>;
}

/** A client whose person answers when the test says so. */
class Person {
  readonly dialogs: Dialog[] = [];
  readonly connection: Connection = {
    ask: (message, signal) => {
      const said = deferred<Asked>();
      this.dialogs.push({ message, signal, said });
      return said.promise;
    },
  };

  calls(fleet: FakeFleet): Call {
    return { ...fleet.call, connection: this.connection };
  }

  async dialog(n: number): Promise<Dialog> {
    await expect.poll(() => this.dialogs.length, { timeout: 4_000 }).toBeGreaterThanOrEqual(n);
    const found = this.dialogs[n - 1];
    if (found === undefined) throw new Error('no dialog');
    return found;
  }
}

let questions = 0;

/** The run, which runs already, asks `text`. */
async function asks(fleet: FakeFleet, id: string, text: string): Promise<number> {
  const worker = fleet.workers.find((one) => one.byKey(attemptKey(id, 1)) !== undefined);
  questions += 1;
  const question = { kind: 'command' as const, text, asked_at: questions };
  worker?.tell(worker.byKey(attemptKey(id, 1)), { status: 'input_required', question });
  await fleet.until(id, (run) => run.question?.asked_at === question.asked_at);
  return question.asked_at;
}

async function running(fleet: FakeFleet, call: Call): Promise<string> {
  const reply = await fleet.tools.start_run(
    { pipeline: 'work', cwd: fleet.folder, task_id: 't', ask: true },
    call,
  );
  const id = reply.runs[0]?.run_id ?? '';
  await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
  return id;
}

async function upFleet(config: Record<string, unknown> = {}): Promise<FakeFleet> {
  const fleet = await fakeFleet({ slots: [4], config });
  await allUp(fleet);
  return fleet;
}

describe('a question of a run', () => {
  it.each(['accept', 'decline'] as const)(
    'is put before the person who started it, and answered as they say: %s',
    async (said) => {
      const fleet = await upFleet();
      const person = new Person();
      const id = await running(fleet, person.calls(fleet));
      const askedAt = await asks(fleet, id, 'make\u001b[31m clean');
      const dialog = await person.dialog(1);
      expect(dialog.message).toContain(id);
      expect(dialog.message).toContain('make');
      expect(dialog.message).not.toContain('\u001b');
      dialog.said.resolve(said);
      await fleet.until(id, (run) => run.status === 'running');
      expect(fleet.workers[0]?.answers).toEqual([
        expect.objectContaining({ answer: said, by: 'elicitation', asked_at: askedAt }),
      ]);
    },
  );

  it('stays open where it is put away, goes on to the next client that waits, and is asked once of each', async () => {
    const fleet = await upFleet();
    const [first, second] = [new Person(), new Person()];
    const id = await running(fleet, first.calls(fleet));
    await asks(fleet, id, 'make');
    (await first.dialog(1)).said.resolve('cancel');
    const { cursor } = await fleet.tools.poll_run({ run_ids: [id] }, first.calls(fleet));
    const waits = async (person: Person) =>
      fleet.tools.poll_run({ run_ids: [id], cursor, wait_ms: 4_000 }, person.calls(fleet));
    const polls = [waits(first), waits(second)];
    (await second.dialog(1)).said.resolve('accept');
    await Promise.all(polls);
    await fleet.until(id, (run) => run.status === 'running');
    expect(first.dialogs).toHaveLength(1);
  });

  it('is taken back from a client that says nothing, once it is answered elsewhere', async () => {
    const fleet = await upFleet();
    const person = new Person();
    const id = await running(fleet, person.calls(fleet));
    await asks(fleet, id, 'make');
    const dialog = await person.dialog(1);
    expect(dialog.signal.aborted).toBe(false);
    await fleet.tools.resume_run({ run_id: id, answer: 'decline' }, fleet.call);
    await fleet.until(id, (run) => run.status === 'running');
    await expect.poll(() => dialog.signal.aborted).toBe(true);
    dialog.said.resolve('accept');
    await asks(fleet, id, 'another');
    const next = await person.dialog(2);
    expect(next.message).toContain('another');
    expect(fleet.workers[0]?.answers.map(({ answer, by }) => [answer, by])).toEqual([['decline', 'client']]);
  });

  it('is asked by the next coordinator of a client that waits', async () => {
    const fleet = await upFleet();
    const person = new Person();
    const id = await running(fleet, fleet.call);
    await asks(fleet, id, 'make');
    const { cursor } = await fleet.tools.poll_run({ run_ids: [id] }, fleet.call);
    const after = await fleet.again();
    await allUp(after);
    const poll = after.tools.poll_run({ task_id: 't', cursor, wait_ms: 4_000 }, person.calls(after));
    (await person.dialog(1)).said.resolve('accept');
    await poll;
    await after.until(id, (run) => run.status === 'running');
    expect(after.workers[0]?.answers).toHaveLength(1);
  });

  it('of another owner, or where dialogs are off, is nobody else’s', async () => {
    const fleet = await upFleet();
    const person = new Person();
    const id = await running(fleet, fleet.call);
    const foreign = { ...person.calls(fleet), owner: 'mallory' };
    const waiting = fleet.parts.asks.waits({ owner: 'mallory', task_id: 't' }, foreign.connection);
    await asks(fleet, id, 'make');
    const off = await upFleet({ questions: { elicit: false } });
    const other = await running(off, person.calls(off));
    await asks(off, other, 'make');
    await fleet.parts.leases.check();
    waiting();
    expect(person.dialogs).toEqual([]);
  });
});

describe('a call that waits', () => {
  it('tells how many runs have ended, rising, of how many', async () => {
    const fleet = await upFleet();
    const ids = await fleet.start(3);
    for (const id of ids) await fleet.until(id, (run) => run.attempts[0]?.remote_run_id !== undefined);
    const told: [number, number][] = [];
    const progress: NonNullable<Call['progress']> = (step) => told.push([step.progress, step.total]);
    const call = { ...fleet.call, progress };
    const poll = fleet.tools.poll_run({ run_ids: ids, until: 'all', wait_ms: 4_000 }, call);
    const [worker] = fleet.workers;
    for (const [at, id] of ids.entries()) {
      await expect.poll(() => told.at(-1)?.[0]).toBe(at);
      worker?.complete(worker.byKey(attemptKey(id, 1)));
    }
    expect((await poll).open).toBe(0);
    expect(told.at(0)).toEqual([0, 3]);
    expect(told).toContainEqual([2, 3]);
  });
});
