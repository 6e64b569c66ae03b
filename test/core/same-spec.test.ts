import { expect, test } from 'vitest';
import { sameSpec } from '../../core/same-spec.ts';
import type { RunSpec } from '../../schemas/run.ts';

const spec: RunSpec = {
  pipeline: 'codex',
  task_id: 't',
  cwd: '/a',
  prompt: 'p',
  inputs: { b: 2, a: 'x' },
  ask: false,
  depth: 0,
  output_schema: { type: 'object', properties: { y: { type: 'string' }, x: { type: 'number' } } },
};

test('the order of members means nothing', () => {
  const turned: RunSpec = {
    output_schema: { properties: { x: { type: 'number' }, y: { type: 'string' } }, type: 'object' },
    ask: false,
    depth: 0,
    inputs: { a: 'x', b: 2 },
    prompt: 'p',
    cwd: '/a',
    task_id: 't',
    pipeline: 'codex',
  };
  expect(sameSpec(spec, turned)).toBe(true);
});

test.each<[string, Partial<RunSpec>]>([
  ['prompt', { prompt: 'q' }],
  ['cwd', { cwd: '/b' }],
  ['inputs', { inputs: { a: 'x', b: '2' } }],
  ['a nested member', { output_schema: { type: 'object', properties: { y: { type: 'number' } } } }],
  ['a further member', { wall_ms: 1000 }],
  ['the order of a list', { stages: ['b', 'a'] }],
])('another %s is another spec', (_what, change) => {
  const base = { ...spec, stages: ['a', 'b'] };
  expect(sameSpec(base, { ...base, ...change })).toBe(false);
});
