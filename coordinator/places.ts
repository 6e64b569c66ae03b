import type { Recipes } from '../core/placement.ts';
import { onceATurn } from '../platform/once-a-turn.ts';
import { configAt } from '../platform/project-config.ts';
import { findWorkTree } from '../platform/work-tree.ts';
import type { Config } from '../schemas/config.ts';

/** What holds in the folder of a run: the user's configuration, as its project narrows or widens it. */
export interface Places {
  /** INVALID_INPUT where the project's file is broken. */
  configIn(cwd: string): Config;
  recipesIn(cwd: string): Recipes;
  /** Top of the Git work tree a folder lies in. */
  workTree(cwd: string): string | undefined;
}

export function createPlaces(config: Config, trustFile: string, home: string): Places {
  const configIn = onceATurn((cwd): Config => configAt(config, cwd, trustFile));
  return {
    configIn,
    recipesIn(cwd) {
      const here = narrowed(cwd);
      return { config: here, configured: config.pipelines, here: here.pipelines };
    },
    workTree: onceATurn((cwd) => findWorkTree(cwd, home)),
  };

  /** A file that was broken since a run was accepted keeps it from nothing here: its worker says what is wrong. */
  function narrowed(cwd: string): Config {
    try {
      return configIn(cwd);
    } catch {
      return config;
    }
  }
}
