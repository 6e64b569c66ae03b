import type { RunSpec } from '../schemas/run.ts';

/** Where a run is done, and the name of the folder its manifest is exported to: `.runs/<task>/<route>/<run>/`. */
export type Route = 'delegated';

/** The fleet's workers. */
export const delegated: Route = 'delegated';

/**
 * Decides where a run is done, once for its whole life, from its spec alone. Every run that comes to the
 * fleet is delegated: a router that would rather have some done by the parent itself adds its route above and
 * answers it here.
 */
export function routeOf(_spec: RunSpec): Route {
  return delegated;
}
