import { z } from 'zod';
import { handleRecord } from './handle.ts';
import { plainName, runId } from './ids.ts';
import { limitState } from './limits.ts';
import { decision } from './manifest.ts';
import { engineName } from './pipeline.ts';
import { runPrivacyDetail } from './privacy.ts';
import { hostsState, layerState } from './sandbox.ts';
import { liveness, outcome, question, runStatus, usage } from './run.ts';

export const engineStatus = z.strictObject({
  engine: engineName,
  available: z.boolean(),
  version: z.string().optional(),
  /** Where it is not available: what is missing and the exact fix. */
  why: z.string().optional(),
  /** Not available so far: it is still being tried. */
  probing: z.boolean().optional(),
});
export type EngineStatus = z.infer<typeof engineStatus>;

/** What kills a run's whole process tree, the worker's own death included. */
export const reaping = z.enum(['pid_namespace', 'cgroup', 'best_effort']);
export type Reaping = z.infer<typeof reaping>;

/** How hard-pressed the host of a worker is. Shares are 0…1. */
export const hostPressure = z.strictObject({
  load: z.number().min(0).describe('Of the last minute, per core'),
  memory_free: z.number().min(0).max(1).describe('Share available'),
  stalled: z.number().min(0).max(1).optional().describe('Share of 10 s waited for memory or I/O'),
});
export type HostPressure = z.infer<typeof hostPressure>;

export const workerDescriptor = z.strictObject({
  worker_id: plainName,
  /** New at every start of the process: runs of another boot are not running. Names the machine's boot, too. */
  boot_id: z.string(),
  version: z.string(),
  pid: z.int(),
  slots: z.int().min(1),
  busy: z.int().min(0),
  draining: z.boolean(),
  reaping,
  engines: z.array(engineStatus),
  pipelines: z.array(z.string()),
  /** Of the sandbox, each really tried. */
  sandbox: z.array(z.union([layerState, hostsState])).optional(),
  /** On the processes of runs, each really tried. */
  limits: z.array(limitState).optional(),
  host: hostPressure.optional(),
});
export type WorkerDescriptor = z.infer<typeof workerDescriptor>;

/** A worker as the coordinator lists it. */
export const workerRow = z.strictObject({
  worker_id: plainName,
  state: z.enum(['up', 'starting', 'down', 'draining']),
  slots: z.int(),
  busy: z.int(),
  /** Why it gets no runs now, or fewer than it has slots. */
  reason: z.string().optional(),
  reaping: reaping.optional(),
  engines: z.array(z.string()).describe('Available, with version'),
  missing: z.array(z.string()).describe('Not available, and why'),
});
export type WorkerRow = z.infer<typeof workerRow>;

/** All a worker knows of a run: what a coordinator needs for its record. Times are ms since the epoch. */
export const runDetail = z.strictObject({
  run_id: runId,
  request_key: z.string().optional(),
  status: runStatus,
  started_at: z.int(),
  first_output_at: z.int().optional(),
  liveness: liveness.optional(),
  ended_at: z.int().optional(),
  /** Also on a paused run that can go on where it was, and why it could not: lost, refused by a rate limit, crashed. */
  outcome: outcome.optional(),
  /** Of a rate limit: when the provider said it ends. */
  retry_at: z.int().optional(),
  error: z.string().optional(),
  handles: z.array(handleRecord),
  usage: usage.optional(),
  /** ms it worked, up to its last stop. */
  active_ms: z.int().optional(),
  question: question.optional(),
  /** Its slot is lent to others until it is answered; or it was answered, and waits for a slot. */
  slot: z.enum(['freed', 'awaited']).optional(),
  decisions: z.array(decision),
  notes: z.array(z.string()),
  reaping: reaping.optional(),
  degraded: z.array(z.string()).optional(),
  engine_thread_id: z.string().optional(),
  preview: z.string().optional(),
  privacy: runPrivacyDetail.optional(),
});
export type RunDetail = z.infer<typeof runDetail>;
