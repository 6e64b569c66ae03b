import type { Outcome } from '../../../../schemas/run.ts';
import type { ProcessEnd } from '../../runner/process.ts';
import type { EngineEnd } from '../engine.ts';
import type { TurnError } from './protocol.ts';

export type EngineOutcome = Extract<Outcome, { kind: 'engine' }>;

const maxMessageLength = 500;

/** One line, bounded: it travels inline. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, maxMessageLength);
}

/** Codex's own error code (`codexErrorInfo`); an HTTP 429 is `rateLimitExceeded` wherever it was met. */
export function turnFailure(error: TurnError | null | undefined): EngineOutcome {
  const info = error?.codexErrorInfo;
  const message = oneLine(error?.message ?? 'The turn failed.');
  if (typeof info === 'string') return { kind: 'engine', code: info, message };
  const [code, detail] = Object.entries(info ?? {})[0] ?? ['other', undefined];
  return { kind: 'engine', code: httpStatus(detail) === 429 ? 'rateLimitExceeded' : code, message };
}

function httpStatus(detail: unknown): unknown {
  if (typeof detail !== 'object' || detail === null || !('httpStatusCode' in detail)) return undefined;
  return detail.httpStatusCode;
}

export function engineEnd(code: string, message: string): EngineEnd {
  const line = oneLine(message);
  return { outcome: { kind: 'engine', code, message: line }, error: line };
}

/** The process went before its turn was over, and nobody asked it to. */
export function processEnd(end: ProcessEnd, stderr: string): EngineEnd {
  if (end.kind !== 'exit') return { outcome: end };
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return engineEnd(
    'process_ended',
    `Codex ended with exit ${String(end.code)} in the middle of its turn. ${last}`,
  );
}
