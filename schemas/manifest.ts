import { z } from 'zod';
import { handleRecord } from './handle.ts';
import { runId, taskId } from './ids.ts';
import { attemptPrivacy, privacyMode, restoreRecord } from './privacy.ts';
import {
  escalationKind,
  liveness,
  outcome,
  reserved,
  runSpec,
  runStatus,
  spent,
  taskBudget,
  usage,
} from './run.ts';

/** Why a worker was chosen: the chosen one, the runners-up, and counts of the rest by reason. */
export const placement = z.strictObject({
  worker_id: z.string(),
  policy: z.string(),
  why: z.string(),
  next: z.array(z.strictObject({ worker_id: z.string(), why: z.string() })),
  rejected: z.record(z.string(), z.int()),
});
export type Placement = z.infer<typeof placement>;

/** What was decided after an attempt whose run goes on. */
export const retry = z.strictObject({
  why: z.enum(['spawn', 'rate_limit', 'lost', 'engine', 'provider', 'timeout', 'exit']),
  /** How long the next attempt was to wait, from the end of this one. */
  delay_ms: z.int().min(0),
  /** The next one goes on where this one was; else it begins again. */
  resumes: z.boolean(),
});
export type Retry = z.infer<typeof retry>;

/** Of an attempt that began while another of its run was under way. */
export const hedge = z.strictObject({
  /** The attempt it runs beside. */
  beside: z.int().min(1),
  why: z.string(),
});
export type Hedge = z.infer<typeof hedge>;

export const attemptRecord = z.strictObject({
  /** 1-based; also the fencing number of the attempt's lease. */
  attempt: z.int().min(1),
  placement,
  boot_id: z.string(),
  /** The run's id on the worker that executes it. */
  remote_run_id: z.string().optional(),
  claimed_at: z.int(),
  started_at: z.int().optional(),
  first_output_at: z.int().optional(),
  liveness: liveness.optional(),
  ended_at: z.int().optional(),
  outcome: outcome.optional(),
  retry: retry.optional(),
  hedge: hedge.optional(),
  /** The attempt that was done before this one was: what this one stored stays, and counts for nothing. */
  superseded_by: z.int().min(1).optional(),
  engine_thread_id: z.string().optional(),
  reaping: z.string().optional(),
  /** Layers of the sandbox and of limits it was to have and went without, or with less, by leave of the configuration. */
  degraded: z.array(z.string()).optional(),
  /** What it was given of the budgets of its run and task. */
  reserved: reserved.optional(),
  /** Of this attempt alone, as its worker last told. */
  usage: usage.optional(),
  /** Time it worked, without pauses, as its worker last told. */
  active_ms: z.int().optional(),
  privacy: attemptPrivacy.optional(),
  /** What the engine could not do, or did differently from what was asked. */
  notes: z.array(z.string()),
});
export type AttemptRecord = z.infer<typeof attemptRecord>;

/** Tokens by the o200k tokenizer: of all of a text, or of a part, from which that of all is reckoned. */
export const tokenCount = z.strictObject({ tokens: z.int(), method: z.enum(['exact', 'sampled']) });
export type TokenCount = z.infer<typeof tokenCount>;

/** What reached agents of a run, in replies of every kind, as far as it was written down. */
export const toldCounts = z.strictObject({
  replies: z.int(),
  bytes: z.int(),
  /** Of the bytes, those whose tokens were counted, and these; more are counted where metrics are sent. */
  counted_bytes: z.int(),
  tokens: z.int(),
  /** Of all it put out, had that been answered inline; counted at its end where metrics are sent. */
  inline: tokenCount.optional(),
});
export type ToldCounts = z.infer<typeof toldCounts>;

/** How the answer to a question came: by a tool call, in a dialog of a client, or because none came in time. */
export const answeredBy = z.enum(['client', 'elicitation', 'timeout']);
export type AnsweredBy = z.infer<typeof answeredBy>;

/** What became of something an engine asked for. */
export const decision = z.strictObject({
  /** When it was decided; of an escalation: asked. */
  at: z.int(),
  asked: z.string(),
  /** `asked`: so far, or for ever where its worker died before the answer. */
  answer: z.enum(['asked', 'accepted', 'declined']),
  /** `rule`: no quotas are enforced, so nobody could grant it; `engine`: it took the question back. */
  by: z.enum(['policy', 'rule', ...answeredBy.options, 'engine', 'nobody']),
  /** Of a request for more than the run was started with. */
  escalation: escalationKind.optional(),
  why: z.string().optional(),
  decided_at: z.int().optional(),
  /** The attempt that asked. */
  attempt: z.int().min(1).optional(),
});
export type Decision = z.infer<typeof decision>;

export const manifestSchemaVersion = 1;

/** The JSON record of one run. Times are ms since the epoch, durations ms. */
export const manifest = z.strictObject({
  schema_version: z.literal(manifestSchemaVersion),
  run_id: runId,
  task_id: taskId,
  /** Relative path from this file to the task's index. */
  task_manifest: z.string(),
  status: runStatus,
  spec: runSpec,
  attempts: z.array(attemptRecord),
  handles: z.array(handleRecord.extend({ worker_id: z.string(), attempt: z.int().min(1) })),
  usage: usage.optional(),
  decisions: z.array(decision),
  timing: z.strictObject({
    accepted_at: z.int(),
    queued_ms: z.int().optional(),
    ttfu_ms: z.int().optional(),
    duration_ms: z.int().optional(),
  }),
  outcome: outcome.optional(),
  /** In a manifest that is printed; an exported one was written before all of it was told. */
  told: toldCounts.optional(),
  /** Where they are asked for: tokens of what reached agents and of what it put out, and what was spared. */
  tokens: z.strictObject({ told: tokenCount, inline: tokenCount, avoided: z.int() }).optional(),
  /** Of the guard, and every time values of the run were put back, or that was refused. */
  privacy: z.strictObject({
    mode: privacyMode,
    restores: z.array(restoreRecord.omit({ task_id: true, run_id: true })).optional(),
  }),
});
export type Manifest = z.infer<typeof manifest>;

/** The index of a task: which runs it delegated, and where each one's manifest lies. */
export const taskManifest = z.strictObject({
  schema_version: z.literal(manifestSchemaVersion),
  task_id: taskId,
  cwd: z.string(),
  created_at: z.int(),
  /** What the task may use, and has used; of a task with a budget. */
  budget: z.strictObject({ limits: taskBudget, used: spent }).optional(),
  runs: z.array(
    z.strictObject({
      run_id: runId,
      label: z.string().optional(),
      pipeline: z.string(),
      /** The runs of one call share it. */
      group: z.string().optional(),
      after: z.array(z.string()).optional(),
      status: runStatus,
      worker_id: z.string().optional(),
      /** Relative path from the index to the run's manifest. */
      manifest: z.string(),
      handles: z.array(z.string()),
    }),
  ),
});
export type TaskManifest = z.infer<typeof taskManifest>;
