import { z } from 'zod';
import { plainName } from './ids.ts';

/**
 * Requests of the one who runs the fleet, beside the tools: JSON-RPC methods of our own, served to the
 * owner of the Unix socket and to nobody over a URL. No model sees or calls them.
 */
export interface RequestContract<
  Params extends z.ZodObject = z.ZodObject,
  Result extends z.ZodObject = z.ZodObject,
> {
  params: Params;
  result: Result;
}

export type RequestContracts = Record<string, RequestContract>;

const workerState = z.strictObject({
  worker_id: plainName,
  drained: z.boolean(),
  /** Runs it has under way, or holds the thread of. */
  open: z.int(),
  /** Of those, the ones that rest and end only when somebody resumes or answers them. */
  resting: z.int(),
});

/** What a coordinator serves. */
export const operatorRequests = {
  /** Takes nothing new from now on, or again; kept over restarts of the coordinator. */
  'codex-fleet/drain_worker': {
    params: z.strictObject({ worker_id: plainName, drained: z.boolean() }),
    result: workerState,
  },
  /**
   * Ends the process of a local worker and starts it anew where that costs no run; `interrupt` also
   * stops conversations at the turn boundary, which then go on in the new process.
   */
  'codex-fleet/restart_worker': {
    params: z.strictObject({ worker_id: plainName, interrupt: z.boolean() }),
    result: workerState.extend({ restarted: z.boolean() }),
  },
} as const satisfies RequestContracts;

/** What a worker serves its coordinator. */
export const workerRequests = {
  /** Ends by itself where no run would be lost by it. */
  'codex-fleet/end_worker': {
    params: z.strictObject({ interrupt: z.boolean() }),
    /** `kept_back`: runs that could not go on in another process. */
    result: z.strictObject({ ending: z.boolean(), kept_back: z.int() }),
  },
} as const satisfies RequestContracts;

export type OperatorRequests = typeof operatorRequests;
export type WorkerRequests = typeof workerRequests;
