import { z } from 'zod';

/** Limits on all the processes of a run together, besides `wall_ms` and `output_bytes`. */
export const processLimits = {
  memory_bytes: z
    .int()
    .min(4 * 1024 * 1024)
    .optional()
    .describe('Memory of all processes of a run together, with what they keep in a tmpfs.'),
  cpu_ms: z.int().min(100).optional().describe('CPU time of all processes of a run together.'),
  cpu_cores: z
    .number()
    .min(0.01)
    .max(1_024)
    .optional()
    .describe('How many cores a run may keep busy, such as 0.5: it is slowed down, and not ended.'),
  processes: z.int().min(1).optional().describe('Processes of a run at a time, threads counted.'),
  disk_bytes: z
    .int()
    .min(4_096)
    .optional()
    .describe('Bytes a run may write to disks, besides its output; no file gets larger.'),
  open_files: z.int().min(16).optional().describe('Files each process of a run may have open.'),
};
export const runLimits = z.strictObject(processLimits);

export const runLimitNames = [
  'memory_bytes',
  'cpu_ms',
  'cpu_cores',
  'processes',
  'disk_bytes',
  'open_files',
] as const satisfies readonly (keyof typeof processLimits)[];
export type RunLimitName = (typeof runLimitNames)[number];

/** Limits as a run carries them. */
export const givenLimits = z.partialRecord(z.enum(runLimitNames), z.number());
export type RunLimits = z.infer<typeof givenLimits>;

/** What holds a run to each of them. */
export const limitLayers = ['memory', 'cpu', 'cpu_rate', 'processes', 'disk', 'files'] as const;
export const limitLayer = z.enum(limitLayers);
export type LimitLayer = z.infer<typeof limitLayer>;

/** `degraded`: held by looking from time to time. */
export const limitState = z.strictObject({
  layer: limitLayer,
  state: z.enum(['enforced', 'degraded', 'missing']),
  why: z.string().optional(),
});
export type LimitState = z.infer<typeof limitState>;
