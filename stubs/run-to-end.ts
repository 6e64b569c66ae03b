import { FleetCallError } from './errors.ts';
import type { FleetMethods, PollRunInput, PollRunOutput, StartRunInput } from './fleet.ts';

export type RunSnapshot = PollRunOutput['runs'][number];

/** One run: `runs` is for batches, which startRun takes. */
export type RunRequest = Omit<StartRunInput, 'runs'>;

export interface RunToEndOptions {
  /** Aborting cancels the run and rejects with the signal's reason. */
  signal?: AbortSignal;
  /** The same after this long, with a TimeoutError. */
  timeoutMs?: number;
  /** Told of every change: the place to show progress, or to answer a question by resumeRun. */
  onUpdate?: (snapshot: RunSnapshot) => void;
  previewTokens?: number;
  /** First pause before a retryable error is tried again; default 250. It grows to 40 times that. */
  backoffMs?: number;
  /** Retryable errors in a row before the last one is thrown; default 8. */
  maxRetries?: number;
}

const waitMs = 25_000;
const cancelTimeoutMs = 5_000;
const ended = new Set(['completed', 'failed', 'cancelled']);

/**
 * Starts a run and follows it to its end; resolves with its last snapshot, also where it failed.
 * Throws FleetCallError for what the fleet refuses for good. A start that has to be repeated starts
 * nothing twice: without a request_key of yours it gets one.
 */
export async function runToEnd(
  fleet: Pick<FleetMethods, 'startRun' | 'pollRun' | 'cancelRun'>,
  request: RunRequest,
  options: RunToEndOptions = {},
): Promise<RunSnapshot> {
  const deadline = new Deadline(options);
  try {
    return await untilAborted(fleet, request, deadline.signal, options);
  } finally {
    deadline.clear();
  }
}

async function untilAborted(
  fleet: Pick<FleetMethods, 'startRun' | 'pollRun' | 'cancelRun'>,
  request: RunRequest,
  signal: AbortSignal,
  options: RunToEndOptions,
): Promise<RunSnapshot> {
  signal.throwIfAborted();
  const keyed = { ...request, request_key: request.request_key ?? crypto.randomUUID() };
  // Not aborted half-way: a run whose id is unknown could not be cancelled.
  const started = await retrying(() => fleet.startRun(keyed), signal, options);
  const run = started.runs[0];
  if (run === undefined) throw missing();
  try {
    return await follow(fleet, run.run_id, started.cursor, signal, options);
  } catch (error) {
    if (signal.aborted) await cancel(fleet, run.run_id);
    throw error;
  }
}

/**
 * Aborts when the caller's signal does or the time is over. A timer of its own: AbortSignal.timeout
 * under AbortSignal.any is held by nothing in Node 20, and once collected never fires.
 */
class Deadline {
  readonly #aborter = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #outer: AbortSignal | undefined;

  constructor({ signal, timeoutMs }: RunToEndOptions) {
    this.#outer = signal;
    signal?.addEventListener('abort', this.#follow, { once: true });
    if (signal?.aborted === true) this.#follow();
    if (timeoutMs === undefined) return;
    this.#timer = setTimeout(() => {
      this.#aborter.abort(new DOMException(`Not ended within ${timeoutMs} ms.`, 'TimeoutError'));
    }, timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#follow);
  }

  readonly #follow = (): void => {
    this.#aborter.abort(this.#outer?.reason);
  };
}

async function follow(
  fleet: Pick<FleetMethods, 'pollRun'>,
  runId: string,
  from: string,
  signal: AbortSignal,
  options: RunToEndOptions,
): Promise<RunSnapshot> {
  const poll: PollRunInput = { run_ids: [runId], wait_ms: waitMs, until: 'change' };
  if (options.previewTokens !== undefined) poll.preview_tokens = options.previewTokens;
  let cursor: string | undefined = from;
  for (;;) {
    const input: PollRunInput = cursor === undefined ? poll : { ...poll, cursor };
    signal.throwIfAborted();
    const reply = await retrying(() => fleet.pollRun(input, { signal }), signal, options);
    for (const snapshot of reply.runs) {
      options.onUpdate?.(snapshot);
      if (ended.has(snapshot.status)) return snapshot;
    }
    // Ended, and its end told before: ask once more for the whole of it.
    const overlooked = reply.open === 0 && reply.runs.length === 0 && !reply.more;
    if (overlooked && cursor === undefined) throw missing();
    cursor = overlooked ? undefined : reply.cursor;
  }
}

/** Repeats a call while it fails retryably, with decorrelated jitter between the attempts. */
async function retrying<T>(
  call: () => Promise<T>,
  signal: AbortSignal,
  { backoffMs = 250, maxRetries = 8 }: RunToEndOptions,
): Promise<T> {
  let pauseMs = backoffMs;
  for (let retries = 0; ; retries += 1) {
    try {
      return await call();
    } catch (error) {
      const again = error instanceof FleetCallError && error.retryable && retries < maxRetries;
      if (!again) throw error;
    }
    await pause(pauseMs, signal);
    pauseMs = Math.min(backoffMs * 40, backoffMs + Math.random() * (pauseMs * 3 - backoffMs));
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

/** Best effort: the caller is told of the abort, not of what became of this. */
async function cancel(fleet: Pick<FleetMethods, 'cancelRun'>, runId: string): Promise<void> {
  try {
    await fleet.cancelRun({ run_ids: [runId] }, { timeoutMs: cancelTimeoutMs });
  } catch {
    // The fleet ends the run at its wall limit.
  }
}

function missing(): FleetCallError {
  const next = 'Use the typed client of the same version as the fleet.';
  return new FleetCallError({
    code: 'NOT_FOUND',
    message: 'The fleet does not tell of the run.',
    retryable: false,
    next,
  });
}
