import type { ArgumentRules } from './argument-rules.ts';

/** What a program may be asked to do. */
export interface ProgramRules {
  /** By sub-command, which then is the first argument; undefined: the program has none. */
  commands: ReadonlyMap<string, ArgumentRules> | undefined;
  /** Without a sub-command. */
  plain: ArgumentRules | undefined;
  /** Names of the entry's `scripts` take the place of a sub-command (`run`), or are its first argument. */
  scripts?: ScriptRules;
  /** The repository it looks at can make it run programs: only where those are disarmed, or in a sandbox. */
  obeysRepository: boolean;
}

export interface ScriptRules {
  /** Sub-commands after which a name of `scripts` stands; empty: it is the first argument itself. */
  after: readonly string[];
  /** Sub-commands that are a script's name themselves. */
  alone: readonly string[];
  /** What may stand beside the name. */
  rules: ArgumentRules;
  /** Whether everything behind the name is the script's own. */
  ownArguments: boolean;
}
