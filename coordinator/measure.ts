import { FleetError } from '../core/errors.ts';
import { isPutAway } from '../core/put-away.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import type { EndListener } from './changes.ts';
import type { WorkerLink } from './fleet/worker-link.ts';

/** Measures every run that ends. */
export function measureRuns(telemetry: Telemetry): EndListener {
  return {
    ended({ attempts, accepted_at, first_claimed_at, decisions }) {
      const [first] = attempts;
      if (first === undefined || first_claimed_at === undefined) return;
      telemetry.record('codex.worker_queue_ms', Math.max(0, first_claimed_at - accepted_at), {
        worker_id: first.placement.worker_id,
      });
      for (const { escalation, answer: decision, attempt = 1 } of decisions) {
        const { worker_id } = (attempts[attempt - 1] ?? first).placement;
        if (escalation !== undefined) telemetry.record('codex.escalations', 1, { worker_id, decision });
      }
      for (const [
        at,
        { placement, claimed_at, first_output_at, outcome, privacy, degraded = [] },
      ] of attempts.entries()) {
        const { worker_id } = placement;
        // An attempt that goes on with a thread is told the first output of the one before.
        const isOwn = first_output_at !== attempts[at - 1]?.first_output_at;
        if (first_output_at !== undefined && isOwn) {
          telemetry.record('codex.remote_ttfu_ms', Math.max(0, first_output_at - claimed_at), { worker_id });
        }
        for (const [type, many] of Object.entries(privacy?.replaced ?? {}))
          telemetry.record('codex.values_replaced', many, { worker_id, type });
        for (const layer of degraded) telemetry.record('codex.degraded_layers', 1, { worker_id, layer });
        if (outcome?.kind === 'lost' && !isPutAway(outcome))
          telemetry.record('codex.worker_error', 1, { worker_id, code: 'lost' });
      }
    },
  };
}

/** What a worker answers to a call that was wrong, or too late. */
const callersOwn = new Set(['INVALID_INPUT', 'NOT_FOUND', 'WRONG_STATE', 'CONFLICT']);

/** The same link, with every call that fails for a reason of the fleet counted while `counts()`. */
export function measureCalls(
  link: WorkerLink,
  { telemetry, counts }: { telemetry: Telemetry; counts: () => boolean },
): WorkerLink {
  const { worker_id } = link.descriptor;
  const call: WorkerLink['call'] = async (name, input, options) => {
    try {
      return await link.call(name, input, options);
    } catch (error) {
      const isOurs = error instanceof FleetError && !callersOwn.has(error.code);
      if (isOurs && counts()) telemetry.record('codex.worker_error', 1, { worker_id, code: error.code });
      throw error;
    }
  };
  return { ...link, call };
}
