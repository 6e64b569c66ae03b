import { estimateTokens, estimateTokensOfBytes } from '../core/tokens.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import type { EndListener } from './changes.ts';

/** Measures every run that ends. What stays behind its handles is not read to be counted. */
export function measureRuns(telemetry: Telemetry): EndListener {
  return {
    ended({ attempts, accepted_at, first_claimed_at, handles, preview }) {
      const [first] = attempts;
      const last = attempts.at(-1);
      if (first === undefined || last === undefined || first_claimed_at === undefined) return;
      telemetry.record('codex.worker_queue_ms', Math.max(0, first_claimed_at - accepted_at), {
        worker_id: first.placement.worker_id,
      });
      for (const { placement, claimed_at, first_output_at, outcome } of attempts) {
        const { worker_id } = placement;
        if (first_output_at !== undefined) {
          telemetry.record('codex.remote_ttfu_ms', Math.max(0, first_output_at - claimed_at), { worker_id });
        }
        if (outcome?.kind === 'lost') telemetry.record('codex.worker_error', 1, { worker_id, code: 'lost' });
      }
      const bytes = handles.reduce((sum, handle) => sum + handle.bytes, 0);
      const avoided = estimateTokensOfBytes(bytes) - estimateTokens(preview ?? '');
      const { worker_id } = last.placement;
      if (avoided > 0) telemetry.record('codex.tokens_avoided', avoided, { worker_id });
    },
  };
}
