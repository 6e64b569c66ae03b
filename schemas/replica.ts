import { z } from 'zod';
import { handleRecord } from './handle.ts';
import { plainName, runId } from './ids.ts';

/** What is known of a copy of a sealed handle, beside its bytes. */
export const replicaNote = z.strictObject({
  run_id: runId,
  /** That has the original. */
  worker_id: plainName,
  handle: handleRecord.extend({ sha256: z.string(), state: z.literal('sealed') }),
  /** What the worker sent under this hash was something else, every time: it is not asked again. */
  refused: z.boolean().optional(),
});
export type ReplicaNote = z.infer<typeof replicaNote>;
