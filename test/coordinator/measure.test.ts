import { expect, it } from 'vitest';
import { measureRuns } from '../../coordinator/measure.ts';
import type { Decision } from '../../schemas/manifest.ts';
import { runSpec } from '../../schemas/run.ts';
import type { Telemetry } from '../../platform/telemetry.ts';

const spec = runSpec.parse({ pipeline: 'codex', task_id: 't', cwd: '/w', inputs: {}, ask: true });
const attempt = (number: number, worker_id: string) => ({
  attempt: number,
  placement: { worker_id, policy: 'p', why: 'w', next: [], rejected: {} },
  boot_id: 'b',
  claimed_at: 1,
  notes: [],
});

it('counts what runs asked for beyond what they were started with, by what became of it', () => {
  const told: unknown[] = [];
  const telemetry: Telemetry = {
    isSent: true,
    record: (name, _value, attributes) => {
      if (name === 'codex.escalations') told.push(attributes);
    },
    close: () => Promise.resolve(),
  };
  const asked: Decision = {
    at: 1,
    asked: 'x',
    answer: 'asked',
    by: 'nobody',
    escalation: 'sandbox',
    attempt: 1,
  };
  measureRuns(telemetry).ended({
    run_id: 'run_000000000000000000000',
    owner: 'local',
    seq: 1,
    spec,
    status: 'completed',
    arrival: 1,
    accepted_at: 1,
    first_claimed_at: 1,
    first_output_at: undefined,
    ended_at: 2,
    not_before: undefined,
    usage: undefined,
    question: undefined,
    outcome: undefined,
    error: undefined,
    preview: undefined,
    cancel_reason: undefined,
    attempts: [attempt(1, 'a'), attempt(2, 'b')],
    handles: [],
    decisions: [
      { at: 1, asked: 'ls', answer: 'accepted', by: 'policy' },
      asked,
      { ...asked, at: 2, answer: 'accepted', by: 'client', attempt: 2 },
    ],
    cancel_requested: false,
  });
  expect(told).toEqual([
    { worker_id: 'a', decision: 'asked' },
    { worker_id: 'b', decision: 'accepted' },
  ]);
});
