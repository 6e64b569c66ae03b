import type { Config, Replicate } from '../../schemas/config.ts';

/**
 * When the outputs of a worker are copied here. Those of a local one never are: they lie on this disk
 * already, and the coordinator starts a local worker again to have them read.
 */
export function replicateOf(config: Config, workerId: string): Replicate {
  const remote = config.remote_workers[workerId];
  if (remote === undefined) return 'never';
  return remote.replicate ?? config.output.replicate;
}
