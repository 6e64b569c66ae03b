import type { ToldRow } from '../../core/token-ledger.ts';
import type { Answer, Operation } from './operations.ts';
import type { Spent, TaskBudget } from '../../schemas/run.ts';
import type {
  EndedRun,
  EndedSelection,
  FoundHandle,
  Owed,
  RunRecord,
  RunStore,
  Selected,
  Selection,
} from './run-store.ts';

/** The questions of a RunStore, answered from what is committed. */
export interface RunReader {
  get(runId: string): RunRecord | undefined;
  select(selection: Selection): RunRecord[];
  selectWithOpen(selection: Selection): Selected;
  lately(last: number): RunRecord[];
  ended(selection: EndedSelection): EndedRun[];
  owed(): Owed[];
  firstOf(owner: string, taskId: string): RunRecord | undefined;
  storedBytesOf(owner: string, taskId: string): number;
  storedBytes(): number;
  contentsOnlyOf(runIds: readonly string[]): { files: number; bytes: number };
  open(): Promise<RunRecord[]>;
  expired(now: number): { run_id: string; attempt: number }[];
  taskBudget(owner: string, taskId: string): TaskBudget | undefined;
  spentBefore(owner: string, taskId: string): Spent | undefined;
  budgetedTasks(): { owner: string; task_id: string }[];
  findHandle(handleId: string): FoundHandle | undefined;
  told(runId: string): ToldRow | undefined;
  drained(): string[];
  latestSeq(): number;
}

interface Parts {
  send(operation: Operation): Promise<Answer>;
  /** Raises where the store is closed. */
  reader(): RunReader;
  close(): Promise<void>;
}

/** A RunStore made of something that carries operations out and something that reads. */
export function createRunCalls({ send: sendAlone, reader, close }: Parts): RunStore {
  let ride: (() => void) | undefined;
  function send(operation: Operation): Promise<Answer> {
    const answer = sendAlone(operation);
    ride?.();
    return answer;
  }
  async function change(operation: Operation, count: number): Promise<(RunRecord | undefined)[]> {
    if (count === 0) return [];
    const answer = await send(operation);
    return answer.kind === 'runs' ? answer.runs : mixedUp(answer);
  }
  return {
    async submit(runs) {
      if (runs.length === 0) return [];
      const answer = await send({ kind: 'submit', runs });
      return answer.kind === 'submitted' ? answer.submitted : mixedUp(answer);
    },
    claim: (claims) => change({ kind: 'claim', claims }, claims.length),
    progress: (changes) => change({ kind: 'progress', changes }, changes.length),
    finish: (ends) => change({ kind: 'finish', ends }, ends.length),
    requeue: (ends) => change({ kind: 'requeue', ends }, ends.length),
    cancel: (runIds, now, reason) => change({ kind: 'cancel', run_ids: runIds, now, reason }, runIds.length),
    end: (ends) => change({ kind: 'end', ends }, ends.length),
    async hold(runId, held, now) {
      const [run] = await change({ kind: 'hold', run_id: runId, held, now }, 1);
      return run;
    },
    async heartbeat(workerIds, leaseMs, now) {
      if (workerIds.length > 0)
        await send({ kind: 'heartbeat', worker_ids: workerIds, until: now + leaseMs });
    },
    forget: (runIds) => change({ kind: 'forget', run_ids: runIds }, runIds.length),
    async settle(workerId, runIds) {
      if (runIds.length > 0) await send({ kind: 'settle', worker_id: workerId, run_ids: runIds });
    },
    async drain(workerId, drained) {
      await send({ kind: 'drain', worker_id: workerId, drained });
    },
    async tell(rows) {
      if (rows.length > 0) await sendAlone({ kind: 'tell', rows });
    },
    alongside(call) {
      ride = call;
    },
    told: async (runId) => reader().told(runId),
    drained: async () => reader().drained(),
    expired: async (now) => reader().expired(now),
    get: async (runId) => reader().get(runId),
    select: async (selection) => reader().select(selection),
    selectWithOpen: async (selection) => reader().selectWithOpen(selection),
    lately: async (last) => reader().lately(last),
    ended: async (selection) => reader().ended(selection),
    owed: async () => reader().owed(),
    firstOf: async (owner, taskId) => reader().firstOf(owner, taskId),
    storedBytesOf: async (owner, taskId) => reader().storedBytesOf(owner, taskId),
    storedBytes: async () => reader().storedBytes(),
    contentsOnlyOf: async (runIds) => reader().contentsOnlyOf(runIds),
    open: async () => reader().open(),
    taskBudget: async (owner, taskId) => reader().taskBudget(owner, taskId),
    spentBefore: async (owner, taskId) => reader().spentBefore(owner, taskId),
    budgetedTasks: async () => reader().budgetedTasks(),
    findHandle: async (handleId) => reader().findHandle(handleId),
    latestSeq: async () => reader().latestSeq(),
    close,
  };
}

function mixedUp(answer: Answer): never {
  throw new Error(`The store answered another operation than it was sent: ${answer.kind}`);
}
