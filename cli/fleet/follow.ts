import { FleetError } from '../../core/errors.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import { maxWaitMs } from '../../schemas/tools.ts';
import type { Fleet } from './connect.ts';

export interface Follow {
  runIds: readonly string[];
  previewTokens: number;
  signal: AbortSignal;
  /** Called for every run that changed, with its newest state. */
  onChange(run: RunSnapshot): void;
}

/** Follows runs until each has ended, over restarts of the coordinator; answers their last states, in order. */
export async function followRuns(connect: () => Promise<Fleet>, follow: Follow): Promise<RunSnapshot[]> {
  const last = new Map<string, RunSnapshot>();
  let fleet = await connect();
  let cursor: string | undefined;
  try {
    while (!hasEnded(follow.runIds, last)) {
      try {
        const reply = await fleet.call(
          'poll_run',
          {
            run_ids: [...follow.runIds],
            ...(cursor === undefined ? {} : { cursor, wait_ms: maxWaitMs }),
            preview_tokens: follow.previewTokens,
          },
          { signal: follow.signal },
        );
        cursor = reply.cursor;
        for (const run of reply.runs) {
          last.set(run.run_id, run);
          follow.onChange(run);
        }
      } catch (error) {
        if (!(error instanceof FleetError) || error.code !== 'WORKER_UNAVAILABLE') throw error;
        await fleet.close();
        fleet = await connect();
      }
    }
  } finally {
    await fleet.close();
  }
  return follow.runIds.flatMap((id) => last.get(id) ?? []);
}

function hasEnded(runIds: readonly string[], last: ReadonlyMap<string, RunSnapshot>): boolean {
  return runIds.every((id) => {
    const run = last.get(id);
    return run !== undefined && isTerminal(run.status);
  });
}
