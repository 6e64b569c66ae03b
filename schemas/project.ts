import { z } from 'zod';
import { allowedCommand } from './config.ts';
import { plainName } from './ids.ts';
import { pipeline } from './pipeline.ts';

/**
 * `.codex-fleet.json` at the top of a project. What narrows the user's configuration always counts;
 * what widens it (`widen`) counts once the user has trusted the file as it stands.
 */
export const projectConfig = z.strictObject({
  $schema: z.string().optional(),
  /** Upper bounds for runs in this project. */
  limits: z
    .strictObject({
      wall_ms: z.int().min(100).optional(),
      output_bytes: z.int().min(1024).optional(),
    })
    .prefault({}),
  /** Only these pipelines may run here. */
  only_pipelines: z.array(plainName).optional(),
  widen: z
    .strictObject({
      commands: z.array(allowedCommand).default([]),
      pipelines: z.record(plainName, pipeline).default({}),
      env: z.array(z.string()).default([]),
    })
    .optional(),
});
export type ProjectConfig = z.infer<typeof projectConfig>;
