import type { ProgramRules } from '../program-rules.ts';
import { files } from './files.ts';
import { git } from './git.ts';
import { nodeTools } from './node.ts';

/** The programs that rules come with, by name. */
export const shippedRules: ReadonlyMap<string, ProgramRules> = new Map(
  Object.entries({ git, ...files, ...nodeTools }),
);
