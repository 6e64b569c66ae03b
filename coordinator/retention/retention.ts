import { heldBy } from '../../core/held-runs.ts';
import type { Blobs } from '../../platform/blobs/blobs.ts';
import type { Logger } from '../../platform/log.ts';
import type { Config } from '../../schemas/config.ts';
import type { Collected } from '../../schemas/operator.ts';
import type { Changes } from '../changes.ts';
import type { Clock } from '../clock.ts';
import type { Manifests } from '../manifest/manifests.ts';
import type { EndedRun, RunRecord, RunStore } from '../store/run-store.ts';
import { diskUsage } from './disk-usage.ts';
import { createSteadyClock, type SteadyClock } from './steady-clock.ts';
import { withKeptCopy } from './kept-copies.ts';
import { tellWorkers, type AskWorker } from './tell-workers.ts';

/** How long runs are kept that have ended, and how much. */
export interface Retention {
  /**
   * Forgets runs that are past their time, then, while the outputs take more than they may, those that
   * ended longest ago; has workers forget them, too; and frees the contents nobody refers to any more.
   */
  collect(dryRun: boolean): Promise<Collected>;
}

export interface RetentionOptions {
  store: RunStore;
  manifests: Pick<Manifests, 'forget'>;
  changes: Pick<Changes, 'forget'>;
  replicas: { forget(runs: readonly RunRecord[]): Promise<void> };
  blobs: Pick<Blobs, 'collect' | 'usage'>;
  stateDir: string;
  ask: AskWorker;
  output: Pick<Config['output'], 'quota_bytes' | 'keep_ms'>;
  clock: Clock;
  log: Logger;
}

/** Runs looked at, and forgotten, at a time. */
const pageSize = 100;
/** What is shared frees nothing when the first of those who have it is forgotten: it is measured again. */
const maxRounds = 20;
/**
 * What ended less than so long ago, nobody may have read yet, and a call that began it may be made once
 * more: however much there is, it is kept.
 */
const freshMs = 600_000;

export function createRetention(options: RetentionOptions): Retention {
  let turn: Promise<unknown> = Promise.resolve();
  const steady = createSteadyClock(options.clock);
  return {
    collect(dryRun) {
      const done = turn.then(() => collect(options, steady, dryRun));
      turn = done.catch(() => undefined);
      return done;
    },
  };
}

async function collect(options: RetentionOptions, steady: SteadyClock, dryRun: boolean): Promise<Collected> {
  const { store, output, blobs, ask, log } = options;
  const sweep = createSweep(options, dryRun);
  const now = steady.now();
  await sweep.forget(now - output.keep_ms, Infinity);
  const freed = { files: 0, bytes: 0 };
  const settle = async (): Promise<void> => {
    if (!dryRun) await tellWorkers(store, ask, log);
    const { files, bytes } = await blobs.collect({ dryRun });
    freed.files += files;
    freed.bytes += bytes;
  };
  await settle();
  for (let round = 0; round < maxRounds; round += 1) {
    const excess = (await used(options)) - output.quota_bytes - (dryRun ? await sweep.alone() : 0);
    if (excess <= 0 || !(await sweep.forget(now - freshMs, excess))) break;
    if (!dryRun) await settle();
  }
  if (dryRun) {
    const alone = await store.contentsOnlyOf(sweep.runIds);
    freed.files += alone.files;
    freed.bytes += alone.bytes;
  }
  const { counts } = sweep;
  const owed = new Set((await store.owed()).map((one) => one.run_id)).size;
  if (counts.runs > 0 && !dryRun) log.info({ ...counts, freed, owed }, 'forgot runs');
  return { ...counts, owed, freed };
}

/** The disk is only looked at where the contents together are more than may be kept. */
async function used({ store, output, stateDir, blobs }: RetentionOptions): Promise<number> {
  const known = await store.storedBytes();
  return known <= output.quota_bytes ? known : diskUsage(stateDir, blobs);
}

interface Sweep {
  readonly counts: Pick<Collected, 'runs' | 'handles' | 'bytes' | 'kept'>;
  readonly runIds: string[];
  /** Of runs that ended up to `until`, those first that ended first, until they had `bytes`. False where there was none. */
  forget(until: number, bytes: number): Promise<boolean>;
  /** Bytes of contents that only those have which are forgotten. */
  alone(): Promise<number>;
}

function createSweep(options: RetentionOptions, dryRun: boolean): Sweep {
  const { store, manifests, changes, replicas, ask } = options;
  const counts = { runs: 0, handles: 0, bytes: 0, kept: 0 };
  const done = new Set<string>();
  const kept = new Set<string>();
  async function forgetSome(some: readonly EndedRun[]): Promise<number> {
    const runs = (await Promise.all(some.map((one) => store.get(one.run_id)))).filter(
      (run) => run !== undefined,
    );
    const copies = await withKeptCopy(runs, ask);
    // Last of all: workers may take their time to answer, and a run that comes after one of these may begin.
    const needed = heldBy(await store.open());
    const isKept = (run: RunRecord): boolean => needed.has(run) || copies.has(run.run_id);
    for (const run of runs) if (isKept(run)) kept.add(run.run_id);
    counts.kept = kept.size;
    const doomed = runs.filter((run) => !isKept(run));
    const ids = doomed.map((run) => run.run_id);
    if (!dryRun && ids.length > 0) {
      await manifests.forget(doomed, async () => void (await store.forget(ids)));
      changes.forget(ids);
      await replicas.forget(doomed);
    }
    for (const runId of ids) done.add(runId);
    const gone = some.filter((one) => done.has(one.run_id));
    counts.runs += gone.length;
    counts.handles += gone.reduce((sum, run) => sum + run.handles, 0);
    const bytes = gone.reduce((sum, run) => sum + run.bytes, 0);
    counts.bytes += bytes;
    return bytes;
  }

  return {
    counts,
    get runIds() {
      return [...done];
    },
    async forget(until, bytes) {
      const before = counts.runs;
      let left = bytes;
      for await (const page of endedRuns(store, until)) {
        const open = page.filter(({ run_id: runId }) => !done.has(runId) && !kept.has(runId));
        const some = firstUpTo(open, left);
        left -= await forgetSome(some);
        if (left <= 0) break;
      }
      return counts.runs > before;
    },
    alone: async () => (await store.contentsOnlyOf([...done])).bytes,
  };
}

async function* endedRuns(store: RunStore, until: number): AsyncGenerator<EndedRun[]> {
  let after: EndedRun | undefined;
  do {
    const page = await store.ended({ until, ...(after !== undefined && { after }), limit: pageSize });
    yield page;
    after = page.length < pageSize ? undefined : page.at(-1);
  } while (after !== undefined);
}

/** As many of the first as it takes for so many bytes. */
function firstUpTo(runs: readonly EndedRun[], bytes: number): EndedRun[] {
  let sum = 0;
  const enough = runs.findIndex((run) => (sum += run.bytes) >= bytes);
  return enough === -1 ? [...runs] : runs.slice(0, enough + 1);
}
