import { estimateTokens } from '../core/tokens.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import type { EndListener } from './changes.ts';

/** Bytes of log-like text a token (core/tokens.ts); what stays behind a handle is never read to be counted. */
const bytesPerToken = 2.5;

/** Measures every run that ends. */
export function measureRuns(telemetry: Telemetry): EndListener {
  return {
    ended(run) {
      const last = run.attempts.at(-1);
      if (last === undefined || run.first_claimed_at === undefined) return;
      const { worker_id } = last.placement;
      telemetry.record('codex.worker_queue_ms', run.first_claimed_at - run.accepted_at, { worker_id });
      if (last.first_output_at !== undefined) {
        telemetry.record('codex.remote_ttfu_ms', Math.max(0, last.first_output_at - last.claimed_at), { worker_id });
      }
      const bytes = run.handles.reduce((sum, handle) => sum + handle.bytes, 0);
      const avoided = Math.round(bytes / bytesPerToken) - estimateTokens(run.preview ?? '');
      if (avoided > 0) telemetry.record('codex.tokens_avoided', avoided, { worker_id });
      if (run.outcome?.kind === 'lost') telemetry.record('codex.worker_error', 1, { worker_id, code: 'lost' });
    },
  };
}
