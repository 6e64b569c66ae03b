import { join } from 'node:path';
import { FleetError } from '../../core/errors.ts';
import { withFileLock } from '../../platform/file-lock.ts';

/** Long enough to look twice: a holder that died is replaced at the second look. */
const lockMs = 200;

/** Holds a worker's folder for this process until the returned function is called. CONFLICT where another has it. */
export function lockWorker(dir: string, id: string): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) => {
    const held = withFileLock(
      join(dir, 'lock'),
      lockMs,
      () =>
        new Promise<void>((letGo) => {
          resolve(() => {
            letGo();
            return held;
          });
        }),
    );
    held.catch((cause: unknown) => {
      reject(
        new FleetError('CONFLICT', `Worker "${id}" already runs in this state folder.`, {
          next: 'Use the one that runs, or end it first.',
          cause,
        }),
      );
    });
  });
}
