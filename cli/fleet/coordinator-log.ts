import { join } from 'node:path';
import type { FleetPaths } from '../../platform/paths.ts';

/** Where the coordinator's stderr goes. */
export function coordinatorLog(paths: FleetPaths): string {
  return join(paths.logDir, 'coordinator.log');
}
