import { FleetError } from '../../core/errors.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import { coordinatorLog } from '../fleet/coordinator-log.ts';
import type { Refusal } from './answers.ts';

/** Why no coordinator could be reached, and what to do. */
export function explainUnreachable(error: unknown, paths: FleetPaths): Refusal {
  if (error instanceof FleetError) return { code: error.code, message: error.message, next: error.next };
  if (error !== undefined) {
    return {
      code: 'INTERNAL',
      message: 'The coordinator cannot be started.',
      next: 'Run `codex-fleet doctor` in a terminal; it names what is wrong.',
    };
  }
  return {
    code: 'WORKER_UNAVAILABLE',
    message: 'The coordinator does not answer.',
    next: `Call again; if it stays so, look at the end of ${coordinatorLog(paths)}.`,
  };
}
