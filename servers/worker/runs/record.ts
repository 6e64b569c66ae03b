import { z } from 'zod';
import { outcome, runSpec } from '../../../schemas/run.ts';
import { runDetail } from '../../../schemas/worker.ts';

/** How far a run has come: what is needed to go on after a pause or a crash. */
export const runProgress = z.strictObject({
  /** Index of the stage under way, or of the next one, among the run's own. */
  stage: z.int().min(0),
  /** The engine's thread of that stage. */
  thread_id: z.string().optional(),
  /** Time that counts against wall_ms so far. */
  active_ms: z.number().min(0),
  /** How the first stage that failed ended, where later ones still run. */
  failure: outcome.optional(),
  /** Why it rests although nobody paused it, where its worker lived on to say so. */
  interrupted: z.strictObject({ outcome, retry_at: z.int().optional() }).optional(),
  /** How the run ended: only the diff of its private copy is still to be stored. */
  outcome: outcome.optional(),
});
export type RunProgress = z.infer<typeof runProgress>;

/** The private copy of a work tree a run works in; on a run that has ended, it is kept because its diff is not whole. */
export const recordedWorkspace = z.strictObject({
  root: z.string(),
  cwd: z.string(),
  base_tree: z.string(),
  object_dirs: z.array(z.string()),
});

/** All that a worker must know of a run after a restart. */
export const runRecord = z.strictObject({
  schema_version: z.literal(1),
  owner: z.string(),
  accepted_at: z.int(),
  spec: runSpec,
  progress: runProgress,
  workspace: recordedWorkspace.optional(),
  /** On a paused run: how. */
  how: z.enum(['turn_boundary', 'stopped', 'lost', 'put_away']).optional(),
  detail: runDetail,
});
export type RunRecord = z.infer<typeof runRecord>;
