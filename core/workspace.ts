import type { Pipeline, Stage } from '../schemas/pipeline.ts';
import type { RunSpec, WorkspaceChoice } from '../schemas/run.ts';

/** Where a run works that does not say: in a private copy, where a coding agent may change a repository's files. */
export function defaultWorkspace(
  pipeline: Pipeline,
  stages: readonly Stage[],
  inRepository: boolean,
): WorkspaceChoice {
  const agentWrites = !pipeline.read_only && stages.some((stage) => stage.engine !== 'command');
  return agentWrites && inRepository ? 'clone' : 'none';
}

/** Whether a run may change files others work with, and so has their folder to itself. */
export function needsTreeAlone(
  { workspace, shared_workspace: shared }: Pick<RunSpec, 'workspace' | 'shared_workspace'>,
  pipeline: Pipeline,
): boolean {
  return !pipeline.read_only && workspace !== 'clone' && shared !== true;
}

/** Which runs have a work tree to themselves, from the start of the first attempt to the end of the run. */
export interface TreeHolds {
  /** Whether nobody else has it. */
  isFree(tree: string, runId: string): boolean;
  hold(tree: string, runId: string): void;
  /** Whether the run had one. */
  release(runId: string): boolean;
}

/** In memory. After a restart two runs may hold one tree, as the configuration may have changed: both keep it. */
export function createTreeHolds(): TreeHolds {
  const holders = new Map<string, Set<string>>();
  const treeOf = new Map<string, string>();
  return {
    isFree: (tree, runId) => [...(holders.get(tree) ?? [])].every((holder) => holder === runId),
    hold(tree, runId) {
      treeOf.set(runId, tree);
      holders.set(tree, (holders.get(tree) ?? new Set()).add(runId));
    },
    release(runId) {
      const tree = treeOf.get(runId);
      if (tree === undefined) return false;
      treeOf.delete(runId);
      const left = holders.get(tree);
      left?.delete(runId);
      if (left?.size === 0) holders.delete(tree);
      return true;
    },
  };
}
