import { homedir } from 'node:os';
import { depthVariable, readDepth, runEnvironment, type Environment } from '../../platform/environment.ts';
import { onceATurn } from '../../platform/once-a-turn.ts';
import { configAt } from '../../platform/project-config.ts';
import { findWorkTree } from '../../platform/work-tree.ts';
import type { Config } from '../../schemas/config.ts';

/** What holds for a run where it works: the user's configuration, as its project narrows or widens it. */
export interface Places {
  /** INVALID_INPUT where the project's file is broken. */
  configIn(cwd: string): Config;
  /** The whole environment of the processes of a run of this depth: those they start in turn are one deeper. */
  environmentOf(config: Config, depth: number): Record<string, string>;
  /** Whether a folder lies in a Git work tree that can be cloned. */
  inRepository(cwd: string): boolean;
  /** Of the worker's own process: that of a call which says none. */
  readonly depth: number;
  readonly maxDepth: number;
}

export function createPlaces(options: { config: Config; env: Environment; trustFile: string }): Places {
  const { config, env, trustFile } = options;
  return {
    configIn: onceATurn((cwd) => configAt(config, cwd, trustFile)),
    environmentOf: (here, depth) => ({ ...runEnvironment(env, here), [depthVariable]: String(depth + 1) }),
    inRepository: (cwd) => findWorkTree(cwd, env['HOME'] ?? homedir()) !== undefined,
    depth: readDepth(env),
    maxDepth: config.max_depth,
  };
}
