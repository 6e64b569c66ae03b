import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { FleetError } from '../core/errors.ts';
import { sanitize } from '../core/sanitize.ts';
import { errorBody, errorCodes, type ErrorCode as FleetErrorCode } from '../schemas/errors.ts';
import { isRecord, ownErrorCode } from './json-rpc.ts';

/** Of a message: ours are shorter. */
const maxCharacters = 4_000;
const requestTimeout: number = ErrorCode.RequestTimeout;
const connectionClosed: number = ErrorCode.ConnectionClosed;

/** The FleetError a server put into the content of an `isError` result. */
export function callFailure(content: unknown): FleetError {
  return toldFailure(parseJson(firstText(content)));
}

function toldFailure(told: unknown): FleetError {
  const body = errorBody.safeParse(told);
  if (!body.success || !isErrorCode(body.data.code)) {
    return new FleetError('INTERNAL', 'The other side answered with an error of an unknown kind.');
  }
  // The other side may be a worker on another machine.
  const { code, message, next } = body.data;
  return new FleetError(code, wordsOf(message), { next: wordsOf(next) });
}

function wordsOf(text: string): string {
  return sanitize(text.slice(0, maxCharacters));
}

/** What a call that got no answer at all means to its caller. */
export function linkFailure(error: unknown): FleetError {
  if (error instanceof FleetError) return error;
  if (isHttpRefusal(error)) {
    return new FleetError('UNAUTHORIZED', 'The other side refused our secret.', { cause: error });
  }
  if (error instanceof McpError && error.code === ownErrorCode) return toldFailure(error.data);
  if (error instanceof McpError && error.code === requestTimeout) {
    return unavailable('The other side did not answer in time.', error);
  }
  if (error instanceof McpError && error.code !== connectionClosed) {
    const message = `The other side refused the call (JSON-RPC error ${String(error.code)}).`;
    return new FleetError('INTERNAL', message, { cause: error });
  }
  return unavailable('The connection to the other side is gone.', error);
}

/** A StreamableHTTPError, whose class would load the whole HTTP client. Other errors have no such codes. */
function isHttpRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 401 || error.code === 403);
}

export function unavailable(message: string, cause: unknown): FleetError {
  return new FleetError('WORKER_UNAVAILABLE', message, { cause });
}

function isErrorCode(code: string): code is FleetErrorCode {
  return code in errorCodes;
}

function firstText(content: unknown): string {
  const block: unknown = Array.isArray(content) ? content[0] : undefined;
  const text = isRecord(block) ? block['text'] : undefined;
  return typeof text === 'string' ? text : '';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
