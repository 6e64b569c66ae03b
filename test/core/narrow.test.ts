import { describe, expect, it } from 'vitest';
import { configInProject } from '../../core/narrow.ts';
import { config as configSchema } from '../../schemas/config.ts';
import { projectConfig } from '../../schemas/project.ts';

const stages = [{ name: 'say', engine: 'command', argv: ['/bin/echo'] }];
const user = configSchema.parse({
  limits: { wall_ms: 60_000, output_bytes: 1_000_000 },
  pipelines: { one: { stages }, two: { stages } },
});

function inProject(project: unknown, trusted: boolean): ReturnType<typeof configInProject> {
  return configInProject(user, projectConfig.parse(project), trusted);
}

describe.each([false, true])("a project's configuration (trusted: %s)", (trusted) => {
  it('lowers limits, and raises none', () => {
    const lower = { wall_ms: 1_000, output_bytes: 2_000 };
    expect(inProject({ limits: lower }, trusted).limits).toMatchObject(lower);
    const higher = { wall_ms: 120_000, output_bytes: 2_000_000 };
    expect(inProject({ limits: higher }, trusted).limits).toEqual(user.limits);
    expect(inProject({}, trusted).limits).toEqual(user.limits);
  });

  it('takes pipelines away', () => {
    const { pipelines } = inProject({ only_pipelines: ['two', 'three'] }, trusted);
    expect(Object.keys(pipelines)).toEqual(['two']);
  });

  it('takes hosts of the network away, and grants none', () => {
    const network = ['a.test', 'b.test:8080'];
    const granting = configSchema.parse({
      sandbox: { network },
      pipelines: { all: { stages, network: true }, none: { stages, network: false }, unsaid: { stages } },
    });
    const within = (reach: unknown) => {
      const project = projectConfig.parse({ network: reach });
      const { sandbox, pipelines } = configInProject(granting, project, trusted);
      return [sandbox.network, ...Object.values(pipelines).map((pipeline) => pipeline.network)];
    };
    expect(within(undefined)).toEqual([network, true, false, undefined]);
    expect(within(true)).toEqual([network, true, false, undefined]);
    expect(within(false)).toEqual([false, false, false, undefined]);
    expect(within(['a.test:443', 'c.test'])).toEqual([
      ['a.test:443'],
      ['a.test:443', 'c.test'],
      false,
      undefined,
    ]);
  });

  it("adds pipelines, commands and variables only where it is trusted, and replaces none of the user's", () => {
    const own = { stages: [{ name: 'own', engine: 'command', argv: ['/bin/true'] }] };
    const widen = { pipelines: { one: own, three: own }, commands: [{ argv: ['/bin/true'] }], env: ['KEY'] };
    const { pipelines, commands, env } = inProject({ widen }, trusted);
    expect(pipelines['one']).toEqual(user.pipelines['one']);
    expect(Object.keys(pipelines).toSorted()).toEqual(trusted ? ['one', 'three', 'two'] : ['one', 'two']);
    expect([commands.length, env.length]).toEqual(trusted ? [1, 1] : [0, 0]);
  });
});
