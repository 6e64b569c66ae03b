import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMemoryRunStore } from '../../../coordinator/store/memory-run-store.ts';
import type { RunRecord, RunStore } from '../../../coordinator/store/run-store.ts';
import { statusOf, transition, type Run, type RunEvent } from '../../../core/run-state.ts';
import type { Outcome } from '../../../schemas/run.ts';
import { isTerminal } from '../../../schemas/run-words.ts';
import { claimOf, finishOf, newRun } from '../../helpers/runs.ts';

/*
 * A store's run is always where the state machine has it: the model is the machine alone, told what
 * each call means; a call it refuses changes nothing in the store, and the other way round.
 */

interface Model {
  state: Run;
  attempts: number;
  cancelRequested: boolean;
}
interface Real {
  store: RunStore;
  runId: string;
}

const outcomes: Outcome[] = [
  { kind: 'exit', code: 0 },
  { kind: 'exit', code: 1 },
  { kind: 'signal', signal: 'SIGKILL' },
  { kind: 'cancelled' },
  { kind: 'lost', resumable: true },
  { kind: 'limit', which: 'disk' },
];
const question = { kind: 'question' as const, text: '?' };

const hasWorker = ({ state }: Model): boolean =>
  state.status === 'running' ||
  state.status === 'input_required' ||
  (state.status === 'paused' && state.how !== 'queued');

/** Takes the events where all of them fit; whether they did. */
function tell(model: Model, events: readonly RunEvent[]): boolean {
  let { state } = model;
  for (const event of events) {
    const next = transition(state, event);
    if (!next.ok) return false;
    state = next.value;
  }
  model.state = state;
  return true;
}

function command(
  name: string,
  mean: (model: Model) => boolean,
  call: (real: Real, attempt: number) => Promise<RunRecord | undefined>,
): fc.AsyncCommand<Model, Real> {
  return {
    check: () => true,
    async run(model, real) {
      const attempt = Math.max(model.attempts, 1);
      const fits = mean(model);
      const answer = await call(real, attempt);
      expect(answer !== undefined, name).toBe(fits);
      const run = await real.store.get(real.runId);
      expect(run?.status, name).toBe(model.state.status);
      expect(run?.ended_at !== undefined).toBe(isTerminal(model.state.status));
      if ('outcome' in model.state) {
        expect(run?.outcome).toEqual(model.state.outcome);
        expect(run?.status).toBe(statusOf(model.state.outcome));
      }
    },
    toString: () => name,
  };
}

const one = async (answers: Promise<(RunRecord | undefined)[]>): Promise<RunRecord | undefined> =>
  (await answers)[0];

const claims = fc.nat(9).map((at) =>
  command(
    `claim at ${at}`,
    (model) => {
      if (!tell(model, [{ kind: 'started', at }])) return false;
      model.attempts += 1;
      return true;
    },
    ({ store, runId }) => one(store.claim([claimOf(runId, { now: at })])),
  ),
);

/** A worker tells only what it has seen last: it may have gone on, and asked, since. */
function eventsOf({ state }: Model, status: 'running' | 'paused' | 'input_required'): RunEvent[] {
  if (status === 'paused') return [{ kind: 'paused', how: 'stopped' }];
  const goOn: RunEvent[] = state.status === 'paused' ? [{ kind: 'resumed' }] : [];
  if (status === 'input_required') return [...goOn, { kind: 'asked', question }];
  return state.status === 'input_required' ? [{ kind: 'answered' }] : goOn;
}
const reports = fc
  .constantFrom('running' as const, 'paused' as const, 'input_required' as const)
  .map((status) =>
    command(
      `report ${status}`,
      (model) => hasWorker(model) && tell(model, eventsOf(model, status)),
      ({ store, runId }, attempt) =>
        one(
          store.progress([
            {
              run_id: runId,
              attempt,
              now: 5,
              status,
              question: status === 'input_required' ? question : null,
            },
          ]),
        ),
    ),
  );

const finishes = fc.tuple(fc.constantFrom(...outcomes), fc.boolean()).map(([outcome, cancel]) => {
  const status = cancel ? ('cancelled' as const) : statusOf(outcome);
  const ends: Outcome = cancel ? { kind: 'cancelled' } : outcome;
  return command(
    `finish by ${JSON.stringify(outcome)} as ${status}`,
    (model) => hasWorker(model) && tell(model, [{ kind: 'ended', at: 9, outcome: ends }]),
    ({ store, runId }, attempt) => one(store.finish([finishOf(runId, { attempt, status, outcome })])),
  );
});

const requeues = fc.constant(
  command(
    'requeue',
    (model) => {
      if (!hasWorker(model) || !tell(model, [{ kind: 'released' }])) return false;
      if (model.cancelRequested) tell(model, [{ kind: 'ended', at: 9, outcome: { kind: 'cancelled' } }]);
      return true;
    },
    ({ store, runId }, attempt) =>
      one(store.requeue([{ run_id: runId, attempt, now: 9, outcome: { kind: 'spawn', errno: 'EAGAIN' } }])),
  ),
);

const cancels = fc.constant(
  command(
    'cancel',
    (model) => {
      if (hasWorker(model)) model.cancelRequested = true;
      else tell(model, [{ kind: 'ended', at: 9, outcome: { kind: 'cancelled' } }]);
      return true;
    },
    ({ store, runId }) => one(store.cancel([runId], 9)),
  ),
);

const holds = fc.boolean().map((held) =>
  command(
    held ? 'hold' : 'let go',
    (model) => {
      if (hasWorker(model) || isTerminal(model.state.status)) return false;
      if (model.state.status === (held ? 'paused' : 'pending')) return true;
      return tell(model, [held ? { kind: 'paused', how: 'queued' } : { kind: 'resumed' }]);
    },
    ({ store, runId }) => store.hold(runId, held, 9),
  ),
);

const ends = fc.constantFrom(...outcomes).map((outcome) =>
  command(
    `end by ${JSON.stringify(outcome)}`,
    (model) => !hasWorker(model) && tell(model, [{ kind: 'ended', at: 9, outcome }]),
    ({ store, runId }) => one(store.end([{ run_id: runId, now: 9, outcome, error: 'e' }])),
  ),
);

it('the store and the state machine agree, whatever is called', async () => {
  const commands = fc.commands([claims, reports, finishes, requeues, cancels, holds, ends], {
    maxCommands: 40,
    size: 'max',
  });
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      const store = createMemoryRunStore();
      const run = newRun();
      await store.submit([run]);
      const model: Model = { state: { status: 'pending' }, attempts: 0, cancelRequested: false };
      await fc.asyncModelRun(() => ({ model, real: { store, runId: run.run_id } }), sequence);
    }),
    { numRuns: 300 },
  );
});
