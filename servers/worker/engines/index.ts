import type { EngineName } from '../../../schemas/pipeline.ts';
import { codexEngine } from './codex/engine.ts';
import { codexExecEngine } from './codex/exec-engine.ts';
import { commandEngine } from './command.ts';
import type { Engine } from './engine.ts';

export type Engines = Readonly<Record<EngineName, Engine>>;

/** Every way to execute a stage. A new engine is one file and one line here. */
export const engines = {
  command: commandEngine,
  codex: codexEngine,
  'codex-exec': codexExecEngine,
} satisfies Engines;
