import type { Logger } from '../../platform/log.ts';
import { maxForgotten } from '../../schemas/operator.ts';
import { attemptKey, runAndAttemptOf } from '../fleet/open-attempts.ts';
import type { Owed, RunStore } from '../store/run-store.ts';

/** Has a worker forget what it knows by these keys, or only look; answers those it keeps. Raises where it is away. */
export type AskWorker = (workerId: string, keys: readonly string[], dryRun: boolean) => Promise<string[]>;

/** Runs of one call: well below a second of a worker's time. */
const runsPerCall = 200;

/** Tells each worker what it is owed; one that is away, or keeps something, stays owed. */
export async function tellWorkers(store: RunStore, ask: AskWorker, log: Logger): Promise<void> {
  const byWorker = new Map<string, Owed[]>();
  for (const owed of await store.owed())
    byWorker.set(owed.worker_id, [...(byWorker.get(owed.worker_id) ?? []), owed]);
  await Promise.all(
    [...byWorker].map(async ([workerId, owed]) => {
      try {
        for (const some of chunksOf(owed)) {
          const kept = await ask(workerId, some.flatMap(keysOf), false);
          const left = new Set(kept.map((key) => runAndAttemptOf(key)?.run_id));
          await store.settle(
            workerId,
            some.map((one) => one.run_id).filter((runId) => !left.has(runId)),
          );
        }
      } catch (error) {
        log.info(
          { worker: workerId, runs: owed.length, err: error },
          'a worker is told later what to forget',
        );
      }
    }),
  );
}

/** As many runs as one call takes. */
function* chunksOf(owed: readonly Owed[]): Generator<Owed[]> {
  let chunk: Owed[] = [];
  let keys = 0;
  for (const one of owed) {
    if (chunk.length === runsPerCall || (chunk.length > 0 && keys + one.attempts > maxForgotten)) {
      yield chunk;
      chunk = [];
      keys = 0;
    }
    chunk.push(one);
    keys += one.attempts;
  }
  if (chunk.length > 0) yield chunk;
}

export function keysOf({ run_id: runId, attempts }: Pick<Owed, 'run_id' | 'attempts'>): string[] {
  const count = Math.min(attempts, maxForgotten);
  return Array.from({ length: count }, (_, at) => attemptKey(runId, at + 1));
}
