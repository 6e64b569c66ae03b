import { z } from 'zod';
import { inputValue } from './run.ts';
import { plainName } from './ids.ts';
import { runLimits } from './limits.ts';
import { networkGrant } from './network.ts';
import { sandboxProfile, sandboxScope } from './sandbox.ts';

export const engineNames = ['command', 'codex', 'codex-exec'] as const;
export const engineName = z.enum(engineNames);
export type EngineName = z.infer<typeof engineName>;

/** How a coding agent's own commands are allowed. */
export const commandPolicy = z.enum(['sandboxed', 'allow-list']);
export type CommandPolicy = z.infer<typeof commandPolicy>;

/** `${inputs.NAME}` as a whole element stands for an input's value; nothing else is expanded. */
export const commandStage = z.strictObject({
  name: plainName,
  engine: z.literal('command'),
  argv: z.array(z.string()).min(1),
});
export const codexStage = z.strictObject({
  name: plainName,
  engine: z.enum(['codex', 'codex-exec']),
  /** The prompt; `${prompt}` and `${inputs.NAME}` are replaced. Default: the run's own prompt. */
  prompt: z.string().default('${prompt}'),
});
export const stage = z.discriminatedUnion('engine', [commandStage, codexStage]);
export type Stage = z.infer<typeof stage>;

export const inputDeclaration = z.strictObject({
  type: z.enum(['string', 'number', 'boolean']),
  description: z.string().default(''),
  required: z.boolean().default(false),
  default: inputValue.optional(),
  enum: z.array(inputValue).optional(),
  /** For strings: a value must match this whole-string pattern of literal characters and classes. */
  max_length: z.int().min(1).default(1000),
});

export const pipeline = z.strictObject({
  description: z.string().default(''),
  inputs: z.record(z.string(), inputDeclaration).default({}),
  stages: z.array(stage).min(1).max(32),
  /** Skip the stages after one that failed. */
  stop_on_failure: z.boolean().default(true),
  /** Changes nothing: safe to repeat and to run beside others in one folder. */
  read_only: z.boolean().default(false),
  commands: commandPolicy.default('sandboxed'),
  /**
   * Of its command stages: a profile, which counts where it is stricter than the configured one, and further
   * paths, absolute or below the run's folder.
   */
  sandbox: z.union([sandboxProfile, sandboxScope]).optional(),
  /** Its command stages reach the network, or these hosts of it, whatever the profile. */
  network: networkGrant.optional(),
  /** Of its runs; counts where it is stricter than the configured ones. */
  limits: runLimits.optional(),
});
export type Pipeline = z.infer<typeof pipeline>;
