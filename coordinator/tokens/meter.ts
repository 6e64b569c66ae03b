import { addCounts, isOutput } from '../../core/token-ledger.ts';
import { tellingAttempt } from '../../core/telling-attempt.ts';
import type { Logger } from '../../platform/log.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import type { EndListener } from '../changes.ts';
import type { RunStore } from '../store/run-store.ts';
import type { Told } from '../told.ts';
import { countOutput, type Counting } from './count-output.ts';
import { createOwed } from './owed.ts';

/** What is counted together: a process for it costs a quarter of a second where none is left of the last time. */
const lazyMs = 1_000;
/** After the process that counts has failed. */
const restMs = 10_000;
const batchCharacters = 128 * 1024;
/** Runs that wait to be counted; one more is left out. */
const maxWaiting = 20_000;
/** Runs counted lately: one that has ended may be told of once more. */
const maxDone = 5_000;
const maxTries = 3;

export interface TokenMeter extends EndListener {
  /** Counts what there is, at most for so long, and no more. */
  close(patienceMs: number): Promise<void>;
}

interface Deps extends Counting {
  told: Told;
  store: Pick<RunStore, 'get'>;
  telemetry: Telemetry;
  log: Logger;
}

/**
 * Measures `codex.tokens_avoided` by a tokenizer in a process of its own: the output of a run is added as it
 * ends, what is told of it taken away as it is told, both a while later and together. An output nobody can
 * read any more is left out.
 */
export function createTokenMeter({ told, store, telemetry, log, ...counting }: Deps): TokenMeter {
  /** Tries by run. */
  const waiting = new Map<string, number>();
  const done = new Set<string>();
  const owed = createOwed();
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let hasNews = false;

  function schedule(afterMs: number): void {
    if (working !== undefined) hasNews = true;
    else if (!stop.signal.aborted) timer ??= setTimeout(() => void work(), afterMs).unref();
  }
  function work(): Promise<void> {
    working ??= countAll()
      .then(
        () => lazyMs,
        (error: unknown) => {
          log.warn({ err: error }, 'tokens could not be counted');
          hasNews = true;
          return restMs;
        },
      )
      .then((nextMs) => {
        working = undefined;
        if (hasNews) schedule(nextMs);
      });
    return working;
  }
  async function countAll(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    hasNews = false;
    for (let isMore = true; isMore && !stop.signal.aborted;) {
      isMore = await countReplies();
      const [runId] = waiting.keys();
      if (runId !== undefined) {
        await countRun(runId);
        isMore = true;
      }
      await settle();
    }
  }
  async function countReplies(): Promise<boolean> {
    const parts = told.take(batchCharacters);
    if (parts.length === 0) return false;
    const counts = await counting.copies
      .countTokens(parts.map(({ text }) => text))
      .catch((error: unknown) => {
        for (const part of parts) {
          told.counted(part, undefined);
          owed.reckon(part);
        }
        throw error;
      });
    for (const [at, part] of parts.entries()) {
      const tokens = counts[at] ?? 0;
      if (told.counted(part, tokens)) owed.add(part, tokens);
    }
    return true;
  }
  async function countRun(runId: string): Promise<void> {
    const tries = waiting.get(runId) ?? 0;
    waiting.delete(runId);
    // To the end of those that wait, should it be what makes counting fail.
    if (tries + 1 < maxTries) waiting.set(runId, tries + 1);
    const outputs = (await store.get(runId))?.handles.filter(isOutput) ?? [];
    const counts = [];
    for (const { worker_id, ...handle } of outputs) {
      const count = await countOutput({ ...handle, worker_id }, counting, stop.signal);
      if (count !== undefined) counts.push({ ...count, worker_id });
    }
    waiting.delete(runId);
    done.add(runId);
    const [oldest] = done;
    if (done.size > maxDone && oldest !== undefined) done.delete(oldest);
    for (const { tokens, method, worker_id } of counts)
      telemetry.record('codex.tokens_avoided', tokens, { worker_id, method });
    if (counts.length === outputs.length) told.inline(runId, addCounts(counts));
    else log.info({ run: runId }, 'an output could not be read to count its tokens');
  }
  /** What was told of a run counts for its worker, once it has one. */
  async function settle(): Promise<void> {
    for (const { run_id: runId, tokens, method } of owed.take()) {
      const run = await store.get(runId);
      const worker = run && tellingAttempt(run.attempts)?.placement.worker_id;
      if (run !== undefined && worker === undefined && !isTerminal(run.status))
        owed.giveBack({ run_id: runId, tokens, method });
      else telemetry.record('codex.tokens_avoided', -tokens, { worker_id: worker ?? 'none', method });
    }
  }
  told.onNews = () => schedule(lazyMs);
  told.onLost = owed.reckon;
  return {
    ended({ run_id: runId }) {
      if (waiting.size >= maxWaiting || done.has(runId)) return;
      waiting.set(runId, 0);
      schedule(lazyMs);
    },
    async close(patienceMs) {
      const patience = setTimeout(() => stop.abort(), patienceMs);
      const over = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
      // Twice: what came while the last of it was counted.
      await Promise.race([work().then(work), over]);
      clearTimeout(patience);
      stop.abort();
      clearTimeout(timer);
    },
  };
}
