import { FleetError } from '../core/errors.ts';
import { takeLock } from '../platform/lock.ts';
import {
  openCoordinator,
  type Cleanup,
  type CoordinatorOptions,
  type RunningCoordinator,
} from './open-coordinator.ts';

/** Starts the one coordinator of a state folder. CONFLICT where another has it. */
export async function startCoordinator(options: CoordinatorOptions): Promise<RunningCoordinator> {
  const lock = takeLock(options.paths.lockFile);
  if (lock === undefined)
    throw new FleetError('CONFLICT', 'A coordinator already runs in this state folder.');
  options.onLocked?.();
  const cleanup: Cleanup = [() => lock.release()];
  const close = async (): Promise<void> => {
    for (const undo of cleanup.splice(0).reverse()) {
      try {
        await undo();
      } catch (error) {
        options.log.error({ err: error }, 'not closed in order');
      }
    }
  };
  try {
    return await openCoordinator(options, cleanup, close);
  } catch (error) {
    await close();
    throw error;
  }
}
