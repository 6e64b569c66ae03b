import { transition, type Run, type RunEvent } from '../../core/run-state.ts';
import type { Outcome } from '../../schemas/run.ts';
import type { RunRecord } from './run-store.ts';

/** Where the state machine has a run of the store. How a run rests is its worker's business, which is told as `stopped`. */
export function stateOf(run: RunRecord): Run {
  const { status, ended_at, outcome, question } = run;
  const started_at = run.first_claimed_at;
  switch (status) {
    case 'pending':
      return { status };
    case 'running':
      return { status, started_at: started_at ?? 0 };
    case 'input_required':
      return { status, started_at: started_at ?? 0, question: question ?? { kind: 'question', text: '' } };
    case 'paused':
      if (run.attempts.every((attempt) => attempt.ended_at !== undefined))
        return { status, how: 'queued', started_at: undefined };
      return { status, how: 'stopped', started_at };
    case 'completed':
    case 'failed':
    case 'cancelled':
      return { status, started_at, ended_at: ended_at ?? 0, outcome: outcome ?? { kind: 'cancelled' } };
  }
}

/** The run after these events, one after the other; undefined where one of them does not fit. */
export function after(run: RunRecord, ...events: readonly RunEvent[]): Run | undefined {
  let state = stateOf(run);
  for (const event of events) {
    const next = transition(state, event);
    if (!next.ok) return undefined;
    state = next.value;
  }
  return state;
}

/** What of a run its end changes; undefined where it cannot end so. */
export function endOf(
  run: RunRecord,
  outcome: Outcome,
  at: number,
): Pick<RunRecord, 'status' | 'ended_at' | 'outcome' | 'not_before'> | undefined {
  const state = after(run, { kind: 'ended', at, outcome });
  return state && { status: state.status, ended_at: at, outcome, not_before: undefined };
}

/** What a report says has become of a run: several events may lie between two reports. */
export function eventsTo(run: RunRecord, status: RunRecord['status']): RunEvent[] {
  const question = run.question ?? { kind: 'question' as const, text: '' };
  const goOn: RunEvent[] = run.status === 'paused' ? [{ kind: 'resumed' }] : [];
  if (status === 'paused') return [{ kind: 'paused', how: 'stopped' }];
  if (status === 'input_required') return [...goOn, { kind: 'asked', question }];
  return run.status === 'input_required' ? [{ kind: 'answered' }] : goOn;
}
