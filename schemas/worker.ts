import { z } from 'zod';
import { engineName } from './pipeline.ts';
import { plainName } from './ids.ts';

export const engineStatus = z.strictObject({
  engine: engineName,
  available: z.boolean(),
  version: z.string().optional(),
  /** Where it is not available: what is missing and the exact fix. */
  why: z.string().optional(),
});
export type EngineStatus = z.infer<typeof engineStatus>;

/** What kills a run's whole process tree, the worker's own death included. */
export const reaping = z.enum(['pid_namespace', 'cgroup', 'best_effort']);
export type Reaping = z.infer<typeof reaping>;

export const workerDescriptor = z.strictObject({
  worker_id: plainName,
  /** New at every start of the process: runs of another boot are not running. */
  boot_id: z.string(),
  version: z.string(),
  pid: z.int(),
  slots: z.int().min(1),
  busy: z.int().min(0),
  draining: z.boolean(),
  reaping,
  engines: z.array(engineStatus),
  pipelines: z.array(z.string()),
});
export type WorkerDescriptor = z.infer<typeof workerDescriptor>;

/** A worker as the coordinator lists it. */
export const workerRow = z.strictObject({
  worker_id: plainName,
  state: z.enum(['up', 'starting', 'down', 'draining']),
  slots: z.int(),
  busy: z.int(),
  reaping: reaping.optional(),
  engines: z.array(z.string()).describe('Available, with version'),
  missing: z.array(z.string()).describe('Not available, and why'),
});
export type WorkerRow = z.infer<typeof workerRow>;
