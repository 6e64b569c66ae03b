import { tellingAttempt } from '../../core/telling-attempt.ts';
import type { RunRecord } from '../store/run-store.ts';
import type { HandlerDeps } from './deps.ts';

/** So many at most fit one reply at a length worth asking for. */
const asked = 8;
const timeoutMs = 3_000;

/** Previews longer than the stored ones, by run, from the workers that have them; what fails is left out. */
export async function longerPreviews(
  { fleet }: Pick<HandlerDeps, 'fleet'>,
  runs: readonly RunRecord[],
  previewTokens: number,
): Promise<Map<string, string>> {
  const found = await Promise.all(
    runs.slice(0, asked).map(async (run): Promise<[string, string][]> => {
      const attempt = tellingAttempt(run.attempts);
      const link = attempt === undefined ? undefined : fleet.get(attempt.placement.worker_id)?.link;
      if (link === undefined || attempt?.remote_run_id === undefined) return [];
      const input = { run_ids: [attempt.remote_run_id], preview_tokens: previewTokens };
      const reply = await link.call('poll_run', input, { timeoutMs }).catch(() => undefined);
      const preview = reply?.runs[0]?.preview;
      return preview === undefined ? [] : [[run.run_id, preview]];
    }),
  );
  return new Map(found.flat());
}
