import type { RunSpec } from '../schemas/run.ts';

/** Where a run is done, and the name of the folder its manifest is exported to: `.runs/<task>/<route>/<run>/`. */
export type Route = 'delegated';

/** The fleet's workers. */
export const delegated: Route = 'delegated';

/**
 * Decides where the runs of one call are done, from their specs alone and before they are queued. Every run
 * that comes to the fleet is delegated: a router that would rather have some done by the parent itself adds
 * its route above, answers it here, and takes such runs in `start_run`.
 */
export function routeOf(_specs: readonly RunSpec[]): Route {
  return delegated;
}
