import { describe, expect, it } from 'vitest';
import { matchCommand } from '../../core/argv-policy.ts';

const commands = [
  { argv: ['git', 'status'] },
  { argv: ['npm', 'test', '...'] },
  { argv: ['...'] },
  { argv: ['echo', '...', 'end'] },
];

const cases: readonly (readonly [boolean, string[]])[] = [
  [true, ['git', 'status']],
  [false, ['git']],
  [false, ['git', 'status', '--short']],
  [false, ['git', 'Status']],
  [false, ['git', 'status ']],
  [false, ['/usr/bin/git', 'status']],
  [true, ['npm', 'test']],
  [true, ['npm', 'test', '--', 'x', '']],
  [false, ['npm', 'run', 'test']],
  [false, ['npm', 'test', 'a\0b']],
  [false, []],
  [false, ['anything']],
  [true, ['...']],
  [true, ['echo', '...', 'end']],
  [false, ['echo', 'a', 'end']],
];

describe('matchCommand', () => {
  it.each(cases)('%s: %j', (allowed, argv) => {
    expect(matchCommand(commands, argv)).toBe(allowed);
  });

  it('allows nothing by an empty list', () => {
    expect(matchCommand([], ['git', 'status'])).toBe(false);
  });
});
