import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';

const requestTimeout: number = ErrorCode.RequestTimeout;
const connectionClosed: number = ErrorCode.ConnectionClosed;

/** A call the fleet refused or did not answer. `next` says what to do about it. */
export class FleetCallError extends Error {
  /** A code of docs/errors.md, or `DISCONNECTED`, `TIMEOUT`, `REFUSED` where no answer of a tool came. */
  readonly code: string;
  /** The same call may succeed later without being changed. */
  readonly retryable: boolean;
  readonly next: string;

  constructor(body: { code: string; message: string; retryable: boolean; next: string }, cause?: unknown) {
    super(body.message, cause === undefined ? {} : { cause });
    this.name = 'FleetCallError';
    this.code = body.code;
    this.retryable = body.retryable;
    this.next = body.next;
  }
}

/** What it means that a request had no result: the protocol refused it, or nobody answered. */
export function noAnswer(error: unknown, { reconnects }: { reconnects: boolean }): FleetCallError {
  if (error instanceof FleetCallError) return error;
  if (error instanceof StreamableHTTPError && (error.code === 401 || error.code === 403)) {
    const message = 'The fleet refused the secret.';
    const next = 'Give the secret from the state folder of the fleet.';
    return new FleetCallError({ code: 'UNAUTHORIZED', message, retryable: false, next }, error);
  }
  const code = error instanceof McpError ? error.code : undefined;
  if (code === requestTimeout) {
    const message = 'The fleet did not answer in time.';
    return new FleetCallError({ code: 'TIMEOUT', message, retryable: true, next: 'Call again.' }, error);
  }
  if (code === undefined || code === connectionClosed) {
    const message = 'The connection to the fleet is gone; its runs go on.';
    const next = reconnects ? 'Call again: that connects anew.' : 'Connect again.';
    return new FleetCallError({ code: 'DISCONNECTED', message, retryable: reconnects, next }, error);
  }
  const message = `The fleet refused the request (JSON-RPC error ${String(code)}).`;
  const next = 'Use the typed client of the same version as the fleet.';
  return new FleetCallError({ code: 'REFUSED', message, retryable: false, next }, error);
}
