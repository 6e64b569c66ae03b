import { describe, expect, test } from 'vitest';
import { FleetError } from '../../core/errors.ts';
import { acceptRequests, foldersOf, stagesOf, type Acceptance, type StartRunInput } from '../../core/spec.ts';
import { pipeline as pipelineSchema } from '../../schemas/pipeline.ts';
import { runSpec } from '../../schemas/run.ts';

const pipelines = {
  codex: pipelineSchema.parse({ stages: [{ name: 'codex', engine: 'codex' }] }),
  review: pipelineSchema.parse({
    inputs: {
      depth: { type: 'number', default: 2 },
      area: { type: 'string', required: true, max_length: 8 },
      mode: { type: 'string', enum: ['fast', 'full'] },
      dry: { type: 'boolean' },
    },
    stages: [
      { name: 'log', engine: 'command', argv: ['git', 'log'] },
      { name: 'read', engine: 'codex', prompt: 'Review ${inputs.area}' },
      { name: 'judge', engine: 'codex', prompt: 'Judge: ${prompt}' },
    ],
  }),
};

function accept(input: StartRunInput, defaults: Partial<Acceptance['defaults']> = {}) {
  return acceptRequests(input, {
    folder: (cwd) => ({ cwd, pipelines }),
    depth: { caller: 0, max: 1 },
    defaults: { cwd: undefined, callId: undefined, ...defaults },
    newTaskId: (key) => `task-of-${key ?? 'nobody'}`,
  });
}

describe('acceptRequests', () => {
  test('fills in what a plain prompt leaves open', () => {
    expect(accept({ prompt: 'Fix it', cwd: '/app' })).toEqual([
      {
        pipeline: 'codex',
        task_id: 'task-of-nobody',
        cwd: '/app',
        inputs: {},
        ask: false,
        prompt: 'Fix it',
        depth: 0,
      },
    ]);
  });

  test('keeps every field that was asked for', () => {
    const asked = {
      pipeline: 'codex',
      prompt: 'p',
      cwd: '/app',
      label: 'one',
      request_key: 'k',
      task_id: 't',
      model: 'm',
      effort: 'high' as const,
      ask: true,
      output_schema: { type: 'object' },
      wall_ms: 1000,
      output_bytes: 2048,
      stages: ['codex'],
    };
    expect(accept(asked)).toEqual([{ ...asked, inputs: {}, depth: 0 }]);
  });

  test("an entry's fields win over the call's, inputs are joined by name", () => {
    const specs = accept({
      cwd: '/app',
      task_id: 't',
      model: 'm',
      inputs: { area: 'core', depth: 1 },
      runs: [
        { pipeline: 'review', prompt: 'a', inputs: { depth: 9 } },
        { pipeline: 'review', prompt: 'b', cwd: '/lib', label: 'second', stages: ['judge', 'log'] },
      ],
    });
    expect(specs).toEqual([
      {
        pipeline: 'review',
        task_id: 't',
        cwd: '/app',
        model: 'm',
        prompt: 'a',
        ask: false,
        depth: 0,
        inputs: { area: 'core', depth: 9 },
      },
      {
        pipeline: 'review',
        task_id: 't',
        cwd: '/lib',
        model: 'm',
        prompt: 'b',
        ask: false,
        depth: 0,
        label: 'second',
        inputs: { area: 'core', depth: 1 },
        stages: ['log', 'judge'],
      },
    ]);
    for (const spec of specs) runSpec.parse(spec);
  });

  test('a run may start runs only as deep as is allowed', () => {
    const at = (caller: number, max: number) => () =>
      acceptRequests(
        { prompt: 'p', cwd: '/app' },
        {
          folder: (cwd) => ({ cwd, pipelines }),
          depth: { caller, max },
          defaults: { cwd: undefined, callId: undefined },
          newTaskId: () => 't',
        },
      );
    expect(at(0, 1)()[0]?.depth).toBe(0);
    expect(at(1, 2)()[0]?.depth).toBe(1);
    for (const [caller, max] of [
      [1, 1],
      [2, 2],
      [7, 1],
    ] as const) {
      expect(at(caller, max)).toThrow(
        expect.objectContaining({ code: 'TOO_DEEP', next: expect.stringContaining('max_depth') }),
      );
    }
  });

  test('a folder is taken as it really is, with what may run there', () => {
    const asked = {
      folder: (cwd: string) => ({ cwd: `/real${cwd}`, pipelines: cwd === '/app' ? pipelines : {} }),
      depth: { caller: 0, max: 1 },
      defaults: { cwd: '/app', callId: undefined },
      newTaskId: () => 't',
    };
    expect(acceptRequests({ prompt: 'p' }, asked)[0]?.cwd).toBe('/real/app');
    expect(() => acceptRequests({ prompt: 'p', runs: [{}, { cwd: '/lib' }] }, asked)).toThrow(
      '"runs[1].pipeline"',
    );
  });

  test('names each folder of a call once', () => {
    expect([...foldersOf({ prompt: 'p' }, '/here')]).toEqual(['/here']);
    expect([...foldersOf({ cwd: '/a', runs: [{}, { cwd: '/b' }, { cwd: '/a' }] }, '/here')]).toEqual([
      '/a',
      '/b',
    ]);
    expect(() => foldersOf({ runs: [{ cwd: '/a' }, {}] }, undefined)).toThrow('"runs[1].cwd"');
    expect(() => foldersOf({ cwd: 'a' }, '/here')).toThrow('"cwd"');
  });

  test('the folder of the caller stands in for cwd', () => {
    expect(accept({ prompt: 'p' }, { cwd: '/here' })[0]?.cwd).toBe('/here');
  });

  test("a call's own id is the key where none was given, one for each run of a batch", () => {
    expect(accept({ prompt: 'p', cwd: '/a' }, { callId: 'c1' })[0]).toMatchObject({
      request_key: 'call:c1',
      task_id: 'task-of-call:c1',
    });
    const batch = accept(
      { prompt: 'p', cwd: '/a', runs: [{}, { request_key: 'own' }, {}] },
      { callId: 'c1' },
    );
    expect(batch.map((spec) => spec.request_key)).toEqual(['call:c1#0', 'own', 'call:c1#2']);
  });

  test('a shared request_key does not make the runs of a batch the same run', () => {
    const batch = accept({
      prompt: 'p',
      cwd: '/a',
      request_key: 'k',
      runs: [{ label: 'a' }, { label: 'b' }],
    });
    expect(batch.map((spec) => spec.request_key)).toEqual(['k#0', 'k#1']);
  });

  test('a repeated call without a task id asks for the same runs', () => {
    const input = { cwd: '/a', runs: [{ prompt: 'p', request_key: 'x' }, { prompt: 'q' }] };
    expect(accept(input)).toEqual(accept(input));
    expect(accept(input)[0]?.task_id).toBe('task-of-x');
  });

  test.each<[string, StartRunInput]>([
    ['"pipeline"', { pipeline: 'none', cwd: '/a' }],
    ['"pipeline"', { pipeline: 'constructor', cwd: '/a' }],
    ['"prompt"', { cwd: '/a' }],
    ['"cwd"', { prompt: 'p' }],
    ['"cwd"', { prompt: 'p', cwd: 'relative/path' }],
    ['"cwd"', { prompt: 'p', cwd: '/a\0b' }],
    ['"stages"', { prompt: 'p', cwd: '/a', stages: ['codex', 'deploy'] }],
    ['"inputs.area"', { pipeline: 'review', prompt: 'p', cwd: '/a' }],
    ['"inputs.area"', { pipeline: 'review', prompt: 'p', cwd: '/a', inputs: { area: 'far too long' } }],
    ['"inputs.area"', { pipeline: 'review', prompt: 'p', cwd: '/a', inputs: { area: 3 } }],
    ['"inputs.mode"', { pipeline: 'review', prompt: 'p', cwd: '/a', inputs: { area: 'x', mode: 'slow' } }],
    ['"inputs.dry"', { pipeline: 'review', prompt: 'p', cwd: '/a', inputs: { area: 'x', dry: 'yes' } }],
    ['"inputs.shell"', { pipeline: 'review', prompt: 'p', cwd: '/a', inputs: { area: 'x', shell: 'sh' } }],
    [
      '"inputs.toString"',
      { pipeline: 'review', prompt: 'p', cwd: '/a', inputs: { area: 'x', toString: 'sh' } },
    ],
    ['"runs[1].prompt"', { cwd: '/a', runs: [{ prompt: 'p' }, {}] }],
    ['"runs[0].inputs.area"', { cwd: '/a', prompt: 'p', runs: [{ pipeline: 'review' }] }],
  ])('refuses a wrong %s by its name: %j', (field, input) => {
    expect(() => accept(input)).toThrow(FleetError);
    expect(() => accept(input)).toThrow(field);
  });

  test('a caller that stands too deep may start nothing', () => {
    const at = (caller: number, max: number) => () =>
      acceptRequests(
        { prompt: 'p', cwd: '/a' },
        {
          folder: (cwd) => ({ cwd, pipelines }),
          depth: { caller, max },
          defaults: { cwd: undefined, callId: undefined },
          newTaskId: () => 't',
        },
      );
    expect(at(1, 1)).toThrow(expect.objectContaining({ code: 'TOO_DEEP' }));
    expect(at(1, 2)()[0]?.depth).toBe(1);
  });

  test('a stage that takes no prompt needs none', () => {
    const input = { pipeline: 'review', cwd: '/a', inputs: { area: 'x' }, stages: ['log', 'read'] };
    expect(accept(input)[0]?.stages).toEqual(['log', 'read']);
  });

  test('stagesOf keeps the order of the pipeline', () => {
    expect(stagesOf(pipelines.review, ['judge', 'log']).map((stage) => stage.name)).toEqual(['log', 'judge']);
    expect(stagesOf(pipelines.review, undefined)).toHaveLength(3);
  });
});
