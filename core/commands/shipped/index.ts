import type { ProgramRules } from '../program-rules.ts';
import { fileRules } from './files.ts';
import { gitRules } from './git.ts';
import { nodeRules } from './node.ts';

const makers = new Map(Object.entries({ git: gitRules, ...fileRules, ...nodeRules }));
const made = new Map<string, ProgramRules>();

/** The programs that rules come with. */
export const shippedNames: readonly string[] = [...makers.keys()];

/** The rules that come with the fleet for a program; undefined where none do. */
export function shippedRules(name: string): ProgramRules | undefined {
  const rules = made.get(name) ?? makers.get(name)?.();
  if (rules !== undefined) made.set(name, rules);
  return rules;
}
