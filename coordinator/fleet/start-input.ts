import type { z } from 'zod';
import type { Bounds } from '../../core/limits.ts';
import { sharedFields, type Reserved, type RunSpec } from '../../schemas/run.ts';
import type { workerContracts } from '../../schemas/tools.ts';

type StartInput = z.input<typeof workerContracts.start_run.input>;

/** What an attempt may do. */
export interface Allowance {
  /** Its stages may be begun again. */
  repeatable: boolean;
  /** What it may use, in place of what the run may. */
  reserved: Reserved | undefined;
  /** What it is held to by us, where its worker does not by itself. */
  bounds?: Bounds | undefined;
}

/**
 * A run as a worker is asked for it: all of its spec, under the key of the attempt, nothing left to the
 * worker's own defaults. Its depth goes with the call; what it waited for was the coordinator's business.
 */
export function startInput(
  spec: RunSpec,
  requestKey: string,
  { repeatable, reserved = {}, bounds = {} }: Allowance,
): StartInput {
  const {
    effort,
    depth: _depth,
    after: _after,
    group: _group,
    on_failure: _onFailure,
    task_budget: _budget,
    ...rest
  } = spec;
  const { tokens, turns, wall_ms } = reserved;
  const known = sharedFields.effort.safeParse(effort);
  const { workspace = 'none' } = spec;
  return {
    ...rest,
    ...bounds,
    workspace,
    request_key: requestKey,
    ...(tokens !== undefined && { max_tokens: tokens }),
    ...(turns !== undefined && { max_turns: turns }),
    ...(wall_ms !== undefined && { wall_ms: Math.min(wall_ms, bounds.wall_ms ?? Infinity) }),
    ...(repeatable && { idempotent: true }),
    ...(known.data !== undefined && { effort: known.data }),
  };
}
