import { z } from 'zod';
import type { RunRecord } from '../../coordinator/store/run-store.ts';
import { handleRecord } from '../../schemas/handle.ts';
import { runId } from '../../schemas/ids.ts';
import { attemptRecord, decision } from '../../schemas/manifest.ts';
import { outcome, question, runSpec, runStatus, usage } from '../../schemas/run.ts';

/** What a store may hand out: fields a table invented, lost or mistyped do not pass. */
export const runRecord = z.strictObject({
  run_id: runId,
  owner: z.string(),
  seq: z.int().min(1),
  spec: runSpec,
  status: runStatus,
  arrival: z.int().min(1),
  accepted_at: z.int(),
  first_claimed_at: z.int().optional(),
  first_output_at: z.int().optional(),
  ended_at: z.int().optional(),
  not_before: z.int().optional(),
  attempts: z.array(attemptRecord),
  handles: z.array(handleRecord.extend({ worker_id: z.string(), attempt: z.int().min(1) })),
  usage: usage.optional(),
  question: question.optional(),
  decisions: z.array(decision),
  outcome: outcome.optional(),
  error: z.string().optional(),
  preview: z.string().optional(),
  cancel_requested: z.boolean(),
  cancel_reason: z.string().optional(),
}) satisfies z.ZodType<Partial<RunRecord>>;
