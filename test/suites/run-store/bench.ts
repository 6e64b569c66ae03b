import type { NewRun, RunRecord, RunStore, Submitted } from '../../../coordinator/store/run-store.ts';
import { runRecord } from '../../helpers/run-record.ts';
import { claimOf, newRun } from '../../helpers/runs.ts';

/** The store of the running test, and the first steps most tests begin with. */
export class Bench {
  readonly #current: () => RunStore;

  constructor(current: () => RunStore) {
    this.#current = current;
  }

  get store(): RunStore {
    return this.#current();
  }

  async created(run: NewRun = newRun()): Promise<RunRecord> {
    const [submitted] = await this.store.submit([run]);
    return runOf(submitted);
  }

  async claimed(run?: NewRun, worker = 'local-1'): Promise<RunRecord> {
    const { run_id: id } = await this.created(run);
    const [record] = await this.store.claim([claimOf(id, { worker })]);
    return present(record);
  }

  /** What is kept of a run, in the shape it must have. */
  async stored(id: string): Promise<RunRecord> {
    const record = present(await this.store.get(id));
    runRecord.parse(record);
    return record;
  }
}

export function runOf(submitted: Submitted | undefined): RunRecord {
  if (submitted?.kind !== 'created' && submitted?.kind !== 'existing') {
    throw new Error(`Neither created nor there: ${submitted?.kind}`);
  }
  return submitted.run;
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('Expected a value');
  return value;
}
