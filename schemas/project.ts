import { z } from 'zod';
import { allowedCommand } from './commands.ts';
import { plainName } from './ids.ts';
import { processLimits } from './limits.ts';
import { networkGrant } from './network.ts';
import { pipeline } from './pipeline.ts';
import { sandboxProfile, scopedPath } from './sandbox.ts';

/**
 * `.codex-fleet.json` at the top of a project. What narrows the user's configuration always counts;
 * what widens it (`widen`) counts once the user has trusted the file as it stands.
 */
export const projectConfig = z.strictObject({
  $schema: z.string().optional().describe('The JSON Schema of this file, for editors.'),
  limits: z
    .strictObject({
      wall_ms: z.int().min(100).optional().describe('Longest a run may take.'),
      output_bytes: z.int().min(1024).optional().describe('Most a run may print.'),
      ...processLimits,
    })
    .prefault({})
    .describe('Upper bounds for runs in this project; your own stay where they are lower.'),
  only_pipelines: z.array(plainName).optional().describe('Only these pipelines may run here.'),
  network: networkGrant
    .optional()
    .describe('The hosts commands reach in this project at most, or `false`: of those that you grant.'),
  sandbox: z
    .strictObject({
      profile: sandboxProfile.optional().describe('Counts where it is stricter than yours.'),
      hide: z
        .array(scopedPath)
        .max(64)
        .default([])
        .describe('Further paths hidden from commands, absolute or below the folder of this file.'),
    })
    .prefault({})
    .describe('What commands cannot reach in this project.'),
  widen: z
    .strictObject({
      commands: z
        .array(allowedCommand)
        .default([])
        .describe('Further commands runs may use, as in the configuration.'),
      pipelines: z
        .record(plainName, pipeline)
        .default({})
        .describe('Further recipes; one of yours with the same name wins.'),
      env: z
        .array(z.string())
        .default([])
        .describe(
          'Names of further environment variables runs inherit, from the next start of the fleet on.',
        ),
    })
    .optional()
    .describe('Counts once you trust the file as it stands.'),
});
export type ProjectConfig = z.infer<typeof projectConfig>;
