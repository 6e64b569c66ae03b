import { describe, expect, it } from 'vitest';
import { createTreeHolds, defaultWorkspace, needsTreeAlone } from '../../core/workspace.ts';
import { pipeline } from '../../schemas/pipeline.ts';

const agent = pipeline.parse({ stages: [{ name: 'a', engine: 'codex' }] });
const exec = pipeline.parse({ stages: [{ name: 'a', engine: 'codex-exec' }] });
const command = pipeline.parse({ stages: [{ name: 'a', engine: 'command', argv: ['make'] }] });
const reading = { ...agent, read_only: true };

describe('where a run works that does not say', () => {
  it.each([
    ['an agent that writes in a repository', agent, true, 'clone'],
    ['the same by codex exec', exec, true, 'clone'],
    ['outside of a repository', agent, false, 'none'],
    ['an agent that only reads', reading, true, 'none'],
    ['a command', command, true, 'none'],
  ] as const)('%s', (_name, recipe, inRepository, workspace) => {
    expect(defaultWorkspace(recipe, recipe.stages, inRepository)).toBe(workspace);
  });

  it('goes by the stages that run', () => {
    expect(defaultWorkspace(agent, [], true)).toBe('none');
  });
});

describe('whether a run has its work tree to itself', () => {
  it.each([
    ['one that writes in place', {}, agent, true],
    ['one that says so', { workspace: 'none' }, command, true],
    ['one in a copy', { workspace: 'clone' }, agent, false],
    ['one that opts out', { shared_workspace: true }, agent, false],
    ['one that only reads', { workspace: 'none' }, reading, false],
  ] as const)('%s', (_name, spec, recipe, alone) => {
    expect(needsTreeAlone(spec, recipe)).toBe(alone);
  });
});

describe('holds on work trees', () => {
  it('keep everybody else out until they are released', () => {
    const trees = createTreeHolds();
    expect(trees.isFree('/a', 'one')).toBe(true);
    trees.hold('/a', 'one');
    trees.hold('/a', 'one');
    expect(trees.isFree('/a', 'one')).toBe(true);
    expect(trees.isFree('/a', 'two')).toBe(false);
    expect(trees.isFree('/b', 'two')).toBe(true);
    expect(trees.release('one')).toBe(true);
    expect(trees.release('one')).toBe(false);
    expect(trees.isFree('/a', 'two')).toBe(true);
  });

  it('stand for each of several, where a restart found them so', () => {
    const trees = createTreeHolds();
    trees.hold('/a', 'one');
    trees.hold('/a', 'two');
    expect(trees.isFree('/a', 'one')).toBe(false);
    trees.release('two');
    expect(trees.isFree('/a', 'one')).toBe(true);
    expect(trees.isFree('/a', 'three')).toBe(false);
  });
});
