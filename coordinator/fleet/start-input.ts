import type { z } from 'zod';
import type { RunSpec } from '../../schemas/run.ts';
import { sharedFields } from '../../schemas/run.ts';
import type { workerContracts } from '../../schemas/tools.ts';

type StartInput = z.input<typeof workerContracts.start_run.input>;

/**
 * A run as a worker is asked for it: all of its spec, under the key of the attempt, nothing left to the
 * worker's own defaults. Its depth goes with the call.
 */
export function startInput(spec: RunSpec, requestKey: string): StartInput {
  const { effort, depth: _depth, ...rest } = spec;
  const known = sharedFields.effort.safeParse(effort);
  const { workspace = 'none' } = spec;
  return {
    ...rest,
    workspace,
    request_key: requestKey,
    ...(known.data !== undefined && { effort: known.data }),
  };
}
