import { dialogOf } from '../core/escalation.ts';
import { covers } from '../core/owners.ts';
import { FleetError } from '../core/errors.ts';
import { sanitize } from '../core/sanitize.ts';
import type { Connection } from '../mcp/handlers.ts';
import type { Logger } from '../platform/log.ts';
import { isTerminal } from '../schemas/run-words.ts';
import type { News } from './news.ts';
import type { RunRecord } from './store/run-store.ts';

/**
 * Puts questions of runs before the people at the clients (MCP elicitation): first to a client that waits
 * for the run, else to the one that started it. Whatever a client does with it, nothing but an answer
 * changes anything: the question stays open to resume_run, and to the next client that waits.
 */
export interface AskClients {
  /** Takes in what the store holds at the start. */
  learn(runs: readonly RunRecord[]): void;
  started(runIds: readonly string[], connection: Connection | undefined): void;
  /** A client waits for these runs until the answer is called. */
  waits(scope: AskScope, connection: Connection | undefined): () => void;
  close(): void;
}

export interface AskScope {
  owner: string;
  run_ids?: readonly string[] | undefined;
  task_id?: string | undefined;
}

export interface AskOptions {
  news: Pick<News, 'watch'>;
  /** False: nobody is asked in a dialog. */
  enabled: boolean;
  answer(run: RunRecord, answer: 'accept' | 'decline'): Promise<void>;
  log: Logger;
}

interface Asking {
  run: RunRecord;
  key: string;
  /** Takes the question back from the client that shows it; undefined while none does. */
  taken: AbortController | undefined;
  /** Clients that were asked, and did not answer. */
  readonly refused: WeakSet<Connection>;
}

export function createAskClients({ news, enabled, answer, log }: AskOptions): AskClients {
  const asking = new Map<string, Asking>();
  const starters = new Map<string, Connection>();
  const waiting = new Set<{ scope: AskScope; connection: Connection }>();

  function hear(runs: readonly RunRecord[]): void {
    for (const run of runs) take(run);
  }
  function take(run: RunRecord): void {
    const { run_id: runId } = run;
    if (isTerminal(run.status)) starters.delete(runId);
    const known = asking.get(runId);
    if (run.status !== 'input_required' || run.question === undefined) {
      known?.taken?.abort();
      asking.delete(runId);
      return;
    }
    const key = questionKey(run);
    if (known?.key === key) return;
    known?.taken?.abort();
    const question: Asking = { run, key, taken: undefined, refused: new WeakSet() };
    asking.set(runId, question);
    offer(question);
  }
  function offer(question: Asking): void {
    const { run, refused } = question;
    if (!enabled || question.taken !== undefined) return;
    const nearest = [...waiting].filter(({ scope }) => concerns(scope, run)).map((one) => one.connection);
    const candidates = [...nearest, starters.get(run.run_id)];
    const connection = candidates.find((one) => one?.ask !== undefined && !refused.has(one));
    if (connection !== undefined) void ask(question, connection);
  }
  /** Never rejects. */
  async function ask(question: Asking, connection: Connection): Promise<void> {
    const { run } = question;
    const taken = new AbortController();
    question.taken = taken;
    question.refused.add(connection);
    const said = await connection.ask?.(wordsOf(run), taken.signal).catch(() => undefined);
    question.taken = undefined;
    // Answered elsewhere meanwhile, or another question by now.
    if (taken.signal.aborted || asking.get(run.run_id) !== question) return;
    if (said === 'accept' || said === 'decline') {
      await answer(run, said).catch((error: unknown) => {
        const isLate = error instanceof FleetError && error.code === 'WRONG_STATE';
        if (!isLate) log.warn({ err: error, run: run.run_id }, 'an answer did not reach its run');
      });
    } else offer(question);
  }
  const stop = news.watch(hear);

  return {
    learn: hear,
    started(runIds, connection) {
      if (connection !== undefined) for (const runId of runIds) starters.set(runId, connection);
    },
    waits(scope, connection) {
      if (connection === undefined) return () => undefined;
      const one = { scope, connection };
      waiting.add(one);
      for (const question of asking.values()) if (concerns(scope, question.run)) offer(question);
      return () => waiting.delete(one);
    },
    close() {
      stop();
      for (const { taken } of asking.values()) taken?.abort();
      asking.clear();
    },
  };
}

function concerns({ owner, run_ids: runIds, task_id: taskId }: AskScope, run: RunRecord): boolean {
  return (
    covers(owner, run.owner) &&
    (runIds === undefined || runIds.includes(run.run_id)) &&
    (taskId === undefined || run.spec.task_id === taskId)
  );
}

/** Another for every question: each attempt stamps its own with rising times. */
export function questionKey(run: Pick<RunRecord, 'attempts' | 'question'>): string {
  return `question-${String(run.attempts.length)}-${String(run.question?.asked_at ?? 0)}`;
}

const intents = {
  command: 'asks to run a command',
  file_change: 'asks to change files',
  question: 'asks',
} as const;

/** What it asks was written by a model: it is shown, and never says more than where it comes from. */
function wordsOf({ run_id: runId, spec, question }: RunRecord): string {
  const who = spec.label === undefined ? runId : `${sanitize(spec.label)} (${runId})`;
  const intent = intents[question?.kind ?? 'question'];
  const asked = question === undefined ? '' : dialogOf(question);
  return `${who} ${intent} in ${sanitize(spec.cwd)}:\n\n${asked}`;
}
