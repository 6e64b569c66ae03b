import type { Retry } from '../schemas/manifest.ts';
import type { Outcome } from '../schemas/run.ts';

/** In which way an attempt failed; `final` is what no other attempt would change. */
export type Failure = Retry['why'] | 'final';

/** Of Codex's own error codes, and ours beside them: the engine's process is gone, or talks nonsense. */
const engineCodes = new Set([
  'process_ended',
  'app_server_ended',
  'app_server_unreadable',
  'app_server_refused',
  'internal',
]);

/** The model's endpoint could not be reached, or failed. */
const providerCodes = new Set([
  'httpConnectionFailed',
  'internalServerError',
  'responseStreamConnectionFailed',
  'responseStreamDisconnected',
  'responseTooManyFailedAttempts',
  'serverOverloaded',
]);

/**
 * How an attempt failed; undefined where it went well. A usage limit that nobody says the end of is
 * one that waiting does not lift, such as a bill to be paid.
 */
export function failureOf(outcome: Outcome, retryAt?: number): Failure | undefined {
  switch (outcome.kind) {
    case 'exit':
      return outcome.code === 0 ? undefined : 'exit';
    case 'spawn':
    case 'lost':
    case 'timeout':
      return outcome.kind;
    case 'signal':
      return 'engine';
    case 'engine':
      return engineFailure(outcome.code, retryAt);
    case 'cancelled':
    case 'limit':
      return 'final';
  }
}

function engineFailure(code: string, retryAt: number | undefined): Failure {
  if (code === 'rateLimitExceeded') return 'rate_limit';
  if (code === 'usageLimitExceeded') return retryAt === undefined ? 'final' : 'rate_limit';
  if (engineCodes.has(code)) return 'engine';
  return providerCodes.has(code) ? 'provider' : 'final';
}

/** What the run itself asked for and does not exist, or a worker that had no room: no fault of the worker's. */
const blamelessErrnos = new Set(['ENOENT', 'EACCES', 'NO_CAPACITY', 'SHUTTING_DOWN']);

/**
 * Whether the worker is to blame, and not the run or the model's endpoint. A program that a signal
 * ended may have earned it.
 */
export function isWorkerFault(outcome: Outcome): boolean {
  if (outcome.kind === 'lost') return outcome.orderly !== true;
  if (outcome.kind === 'spawn') return !blamelessErrnos.has(outcome.errno);
  return outcome.kind === 'engine' && engineCodes.has(outcome.code);
}
