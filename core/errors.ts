import { errorCodes, type ErrorCode } from '../schemas/error-codes.ts';
import type { ErrorBody } from '../schemas/errors.ts';

/** The one class of failure a caller is told about. `message` and `next` are always our own words. */
export class FleetError extends Error {
  readonly code: ErrorCode;
  readonly next: string;

  constructor(code: ErrorCode, message: string, options: { next?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'FleetError';
    this.code = code;
    this.next = options.next ?? errorCodes[code].next;
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }

  toBody(): ErrorBody {
    return { code: this.code, message: this.message, retryable: this.retryable, next: this.next };
  }
}
