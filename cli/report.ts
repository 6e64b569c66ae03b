import { FleetError } from '../core/errors.ts';
import { sanitize } from '../core/sanitize.ts';
import { printJson } from './output.ts';

/** Says what went wrong and what to do about it; answers the exit code. */
export function report(error: unknown, json: boolean): number {
  const shown = error instanceof FleetError ? error : unexpected(error);
  if (json) printJson({ error: shown.toBody() });
  process.stderr.write(`codex-fleet: ${sanitize(shown.message)}\n${sanitize(shown.next)}\n`);
  return shown.code === 'INVALID_INPUT' ? 2 : 1;
}

function unexpected(error: unknown): FleetError {
  if (isFull(error)) {
    return new FleetError('STORE_UNAVAILABLE', `No space is left on the disk (${error.message}).`, {
      next: 'Free disk space and repeat the command.',
      cause: error,
    });
  }
  return new FleetError('INTERNAL', error instanceof Error ? error.message : 'Something went wrong.', {
    next: 'Run `codex-fleet doctor`; it checks what this command needs.',
    cause: error,
  });
}

function isFull(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
