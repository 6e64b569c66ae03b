import { describe, expect, it } from 'vitest';
import { configInProject } from '../../core/narrow.ts';
import { config as configSchema } from '../../schemas/config.ts';
import { projectConfig } from '../../schemas/project.ts';

const stages = [{ name: 'say', engine: 'command', argv: ['/bin/echo'] }];
const user = configSchema.parse({
  limits: { wall_ms: 60_000, output_bytes: 1_000_000 },
  pipelines: { one: { stages }, two: { stages } },
});

/** `/link` leads to `/src/app/keys`. */
const real = (path: string): string => path.replace(/^\/link\b/, '/src/app/keys');
const place = { top: '/src/app', cwd: '/src/app/lib', real };

function inProject(project: unknown, trusted: boolean): ReturnType<typeof configInProject> {
  return configInProject(user, projectConfig.parse(project), { trusted, ...place });
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
      const { sandbox, pipelines } = configInProject(granting, project, { trusted, ...place });
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

  it('makes the sandbox stricter, and never weaker', () => {
    const profile = (own: string | undefined, project: unknown) => {
      const config = configSchema.parse({ sandbox: { profile: own } });
      const at = { trusted, ...place };
      return configInProject(config, projectConfig.parse(project), at).sandbox.profile;
    };
    expect(profile('default', { sandbox: { profile: 'strict' } })).toBe('strict');
    expect(profile('default', { sandbox: { profile: 'off' } })).toBe('default');
    expect(profile(undefined, { sandbox: { profile: 'off' } })).toBeUndefined();
    expect(profile('off', {})).toBe('off');
    // What it wants kept from commands has to be held.
    expect(profile('off', { network: false })).toBe('default');
    expect(profile(undefined, { sandbox: { hide: ['keys'] } })).toBe('default');
  });

  it('hides paths, also those the user has opened', () => {
    const open = { write: ['/data', '/src/app/keys/new', '/link/newer'], read: ['/src/app/keys', '/link'] };
    const config = configSchema.parse({
      sandbox: { ...open, hide: ['/x'] },
      pipelines: { one: { stages, sandbox: { write: ['keys', 'out'], read: ['/etc/own'] } } },
    });
    const project = projectConfig.parse({ sandbox: { hide: ['keys', '/etc', 'lib/keys'] } });
    const { sandbox, pipelines } = configInProject(config, project, { trusted, ...place });
    expect(sandbox).toMatchObject({
      write: ['/data'],
      read: [],
      hide: ['/x', '/src/app/keys', '/etc', '/src/app/lib/keys'],
    });
    expect(pipelines['one']?.sandbox).toMatchObject({ write: ['out'], read: [] });
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
