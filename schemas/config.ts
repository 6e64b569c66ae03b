import { z } from 'zod';
import { plainName } from './ids.ts';
import { pipeline } from './pipeline.ts';

/** Where a credential's value comes from. Values themselves are never written anywhere. */
export const credentialSource = z.union([
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ command: z.array(z.string()).min(1) }),
]);
export type CredentialSource = z.infer<typeof credentialSource>;

/** An allowed command line, element by element; a last element `...` stands for any further ones. */
export const allowedCommand = z.strictObject({
  argv: z.array(z.string()).min(1),
});
export type AllowedCommand = z.infer<typeof allowedCommand>;

const ms = z.int().min(0);

/** `$XDG_CONFIG_HOME/codex-fleet/config.json`. */
export const config = z.strictObject({
  $schema: z.string().optional(),
  /** Folders runs may work in, besides the one a bridge was started in. */
  roots: z.array(z.string()).default([]),
  /** Local workers the coordinator starts. */
  workers: z
    .strictObject({
      count: z.int().min(0).max(64).default(2),
      slots: z.int().min(1).max(64).default(4),
    })
    .prefault({}),
  /** Workers started elsewhere, reached over Streamable HTTP. */
  remote_workers: z
    .record(plainName, z.strictObject({ url: z.url(), secret: credentialSource }))
    .default({}),
  /** Commands a `command` stage, or Codex under `commands: allow-list`, may run. */
  commands: z.array(allowedCommand).default([]),
  pipelines: z.record(plainName, pipeline).default({}),
  /** PATH for runs; default: the PATH of `codex-fleet up`. */
  path: z.array(z.string()).optional(),
  /** Names of environment variables runs inherit, besides HOME, LANG, PATH, TERM, TMPDIR and USER. */
  env: z.array(z.string()).default([]),
  credentials: z.record(z.string(), credentialSource).default({}),
  codex: z
    .strictObject({
      /** The Codex executable; default: PATH, then the npm package's own binary. */
      binary: z.string().optional(),
      /** The signed-in user's CODEX_HOME; default $CODEX_HOME, then ~/.codex. */
      home: z.string().optional(),
    })
    .prefault({}),
  limits: z
    .strictObject({
      wall_ms: z.int().min(100).default(3_600_000),
      output_bytes: z.int().min(1024).default(1_073_741_824),
      grace_ms: ms.default(2_000),
    })
    .prefault({}),
  http: z
    .strictObject({
      enabled: z.boolean().default(true),
      /** 0 picks a free port once and keeps it. */
      port: z.int().min(0).max(65_535).default(0),
    })
    .prefault({}),
  /** Where manifests are exported: the task's folder, a folder of your own, or nowhere. */
  runs_dir: z.union([z.literal('project'), z.literal('off'), z.string().startsWith('/')]).default('project'),
  reaping: z.enum(['auto', 'pid_namespace', 'cgroup', 'best_effort']).default('auto'),
  idle: z
    .strictObject({
      /** A worker no coordinator is connected to ends after this long without a run. */
      worker_ms: ms.default(600_000),
      coordinator_ms: ms.default(1_800_000),
    })
    .prefault({}),
});
export type Config = z.infer<typeof config>;
