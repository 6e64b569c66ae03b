import type { ExactCommand } from '../schemas/commands.ts';
import type { Pipeline } from '../schemas/pipeline.ts';

/** Where the installed programs lie, as absolute paths. */
export interface BuiltinInstall {
  node: string;
  /** main.js of the diagnostics program; its only argument is the stage. */
  diagnostics: string;
}

/** What each stage of `diagnostics` prints. */
export const diagnosticStages = {
  state: 'branch, upstream, changed and untracked files, recent commits',
  history: 'commits by author and month, files that change most',
  dependencies: 'dependency trees from lock files and manifests',
  languages: 'files and lines by language',
  'large-files': 'the largest files, tracked and not',
  scripts: 'scripts and targets the repository declares',
} as const;

export type DiagnosticStage = keyof typeof diagnosticStages;

/** The pipelines every installation has. Configured ones of the same name win. */
export function builtinPipelines(install: BuiltinInstall): Record<string, Pipeline> {
  return {
    codex: {
      description: 'A free prompt for Codex.',
      inputs: {},
      stages: [{ name: 'codex', engine: 'codex', prompt: '${prompt}' }],
      stop_on_failure: true,
      read_only: false,
      commands: 'sandboxed',
    },
    diagnostics: {
      description: 'Facts about the repository in cwd; runs none of its code.',
      inputs: {},
      stages: stageNames().map((name) => ({ name, engine: 'command', argv: stageArgv(install, name) })),
      stop_on_failure: false,
      read_only: true,
      commands: 'sandboxed',
    },
  };
}

/** The default allow-list: exactly the commands of `diagnostics`. */
export function builtinCommands(install: BuiltinInstall): ExactCommand[] {
  return stageNames().map((name) => ({ argv: stageArgv(install, name) }));
}

function stageNames(): string[] {
  return Object.keys(diagnosticStages);
}

function stageArgv(install: BuiltinInstall, stage: string): string[] {
  return [install.node, install.diagnostics, stage];
}
