import { describe, expect, it } from 'vitest';
import { taskId } from '../../schemas/ids.ts';
import { runContracts } from '../../schemas/tools.ts';

/** A task id names a folder: none of these may become one. */
const hostile = [
  '',
  '.',
  '..',
  '../up',
  'a/b',
  '/etc',
  'a\\b',
  'a\0b',
  'a b',
  'a\nb',
  '~',
  'ünï',
  '%2e%2e',
  'x'.repeat(65),
];

describe('a task id', () => {
  it.each(['fix-login', 'a', '...', '.hidden', 'v1.2_x-Y', 'x'.repeat(64)])('may be %j', (id) => {
    expect(taskId.parse(id)).toBe(id);
  });

  it.each(hostile)('may not be %j, in any call', (id) => {
    expect(taskId.safeParse(id).success).toBe(false);
    for (const name of ['start_run', 'poll_run', 'cancel_run'] as const) {
      const { issues = [] } = runContracts[name].input.safeParse({ task_id: id }).error ?? {};
      expect([name, issues[0]?.path]).toEqual([name, ['task_id']]);
    }
  });
});
