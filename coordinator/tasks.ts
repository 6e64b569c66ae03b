import { nextAfterPoll } from '../core/next.ts';
import { packRuns, pollEnvelopeBytes } from '../core/poll-reply.ts';
import { quoted } from '../core/escalation.ts';
import { FleetError } from '../core/errors.ts';
import { resultLinks } from '../core/result-links.ts';
import { sanitize } from '../core/sanitize.ts';
import type { Call, Handlers, Output } from '../mcp/handlers.ts';
import { isRecord } from '../mcp/json-rpc.ts';
import { linkBlock } from '../mcp/reply.ts';
import { taskStatus, type TaskSource, type TaskView } from '../mcp/tasks.ts';
import type { RunSnapshot } from '../schemas/run.ts';
import { isTerminal } from '../schemas/run-words.ts';
import { fleetContracts, maxReplyBytes, startedRun, type FleetContracts } from '../schemas/tools.ts';
import { questionKey } from './ask-clients.ts';
import { toSnapshot } from './handlers/to-snapshot.ts';
import type { HandlerDeps } from './handlers/deps.ts';
import type { RunRecord } from './store/run-store.ts';

const pollIntervalMs = 1_000;
const previewTokens = 700;

const started = fleetContracts.start_run.output;

/** Whether a tools/call asks for a single run: only such a call answers as a task, a batch never. */
export function offersTask({ name, arguments: input }: Record<string, unknown>): boolean {
  return name === 'start_run' && !(isRecord(input) && 'runs' in input);
}

/**
 * The runs of one owner as tasks of the MCP extension: a task is a run under its own id. All of it is
 * read from the store, so a task handed out before a restart is as good after it.
 */
export function createTasks(
  deps: Pick<
    HandlerDeps,
    'store' | 'fleet' | 'scheduler' | 'readiness' | 'attempts' | 'parking' | 'clock' | 'told'
  >,
  tools: Pick<Handlers<FleetContracts>, 'cancel_run' | 'resume_run'>,
  owner: string,
): TaskSource {
  async function find(runId: string): Promise<RunRecord | undefined> {
    const run = await deps.store.get(runId);
    return run?.owner === owner ? run : undefined;
  }
  async function get(taskId: string): Promise<TaskView | undefined> {
    const run = await find(taskId);
    return run === undefined ? undefined : viewOf(run, toSnapshot(deps, run, run.preview, previewTokens));
  }
  return {
    offers: offersTask,
    get,
    async fromResult({ structuredContent }) {
      const reply = started.safeParse(structuredContent);
      const [run, ...others] = reply.data?.runs ?? [];
      return run === undefined || others.length > 0 ? undefined : get(run.run_id);
    },
    told(taskId, sent, insteadOf) {
      if (insteadOf !== undefined) deps.told.retract(insteadOf);
      deps.told.add([{ run_ids: [taskId], text: JSON.stringify(sent) }]);
    },
    async cancel(taskId) {
      if ((await find(taskId)) === undefined) return false;
      await tools.cancel_run({ run_ids: [taskId] }, callOf(owner));
      return true;
    },
    async update(taskId, inputResponses) {
      const run = await find(taskId);
      if (run === undefined) return false;
      const response = inputResponses[questionKey(run)];
      if (run.status !== 'input_required' || response === undefined) return true;
      // A dialog that was put away is not shown again: leaving it open would leave the run waiting.
      const answer = isRecord(response) && response['action'] === 'accept' ? 'accept' : 'decline';
      await Promise.resolve(tools.resume_run({ run_id: taskId, answer }, callOf(owner))).catch(
        unlessAnswered,
      );
      return true;
    },
  };
}

/** No client waits on the call itself. */
function callOf(owner: string): Call {
  const { signal } = new AbortController();
  return {
    owner,
    signal,
    client: { name: 'task', version: '' },
    callId: undefined,
    cwd: undefined,
    depth: 0,
  };
}

/** Somebody else was faster, or the run has ended meanwhile. */
function unlessAnswered(error: unknown): void {
  if (!(error instanceof FleetError && error.code === 'WRONG_STATE')) throw error;
}

function viewOf(run: RunRecord, snapshot: RunSnapshot): TaskView {
  const status = taskStatus(run.status);
  return {
    taskId: run.run_id,
    status,
    statusMessage: describe(snapshot),
    createdAt: new Date(run.accepted_at).toISOString(),
    lastUpdatedAt: new Date(lastChange(run)).toISOString(),
    ttlMs: null,
    pollIntervalMs,
    ...(status === 'completed' && { result: resultOf(run, snapshot) }),
    ...(status === 'input_required' && { inputRequests: { [questionKey(run)]: elicitation(snapshot) } }),
  };
}

function describe({ status, worker, outcome, waiting_for: waitingFor }: RunSnapshot): string {
  if (isTerminal(status)) return outcome === undefined ? status : `${status}: ${outcome}`;
  if (waitingFor !== undefined) return `${status}: waits for ${waitingFor}`;
  return worker === undefined ? status : `${status} on ${worker}`;
}

/** ms since the epoch. */
function lastChange(run: RunRecord): number {
  const times = [
    run.accepted_at,
    run.first_claimed_at,
    run.first_output_at,
    run.question?.asked_at,
    run.ended_at,
    ...run.attempts.flatMap((attempt) => [attempt.claimed_at, attempt.started_at, attempt.ended_at]),
    ...run.decisions.map((decision) => decision.at),
  ];
  return Math.max(...times.filter((time) => time !== undefined));
}

/** What start_run would have answered, had it waited. */
function resultOf(run: RunRecord, snapshot: RunSnapshot): NonNullable<TaskView['result']> {
  const { runs } = packRuns([{ seq: run.seq, snapshot }], maxReplyBytes - pollEnvelopeBytes);
  const cursor = String(run.seq);
  const selection = { run_ids: [run.run_id] };
  const next = nextAfterPoll({ selection, runs, cursor, more: false, open: 0 });
  const structuredContent: Output<FleetContracts['start_run']> = {
    task_id: run.spec.task_id,
    runs: runs.map((shown) => startedRun.strip().parse(shown)),
    cursor,
    next,
  };
  const links = resultLinks(runs).map(linkBlock);
  return { resultType: 'complete', content: [{ type: 'text', text: next }, ...links], structuredContent };
}

/** Accepting or declining is the whole answer, so the form has no fields. */
function elicitation({ run_id: runId, label, question = 'May it go on?' }: RunSnapshot) {
  const message = `${sanitize(label ?? runId)} asks:\n\n${quoted(question)}`;
  return {
    method: 'elicitation/create',
    params: { mode: 'form', message, requestedSchema: { type: 'object', properties: {} } },
  };
}
