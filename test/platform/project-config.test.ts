import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { configAt, projectFileName, trustedVariables, trustProject } from '../../platform/project-config.ts';
import { config as configSchema } from '../../schemas/config.ts';

let dir: string;
let inside: string;
let trustFile: string;
const config = configSchema.parse({
  limits: { wall_ms: 10_000 },
  pipelines: {
    a: { stages: [{ name: 's', engine: 'command', argv: ['git', 'status'] }] },
    b: { stages: [{ name: 's', engine: 'command', argv: ['git', 'log'] }] },
  },
});

function project(content: unknown): void {
  writeFileSync(
    join(dir, 'top', projectFileName),
    typeof content === 'string' ? content : JSON.stringify(content),
  );
}

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'fleet-project-')));
  inside = join(dir, 'top', 'deep', 'er');
  mkdirSync(inside, { recursive: true });
  trustFile = join(dir, 'trust.json');
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

test('without a project file the user configuration holds as it is', () => {
  expect(configAt(config, inside, trustFile)).toBe(config);
});

test('a project narrows at once and can never raise a limit', () => {
  project({ limits: { wall_ms: 500, output_bytes: 9_000_000_000_000 }, only_pipelines: ['b', 'zz'] });
  const narrowed = configAt(config, inside, trustFile);
  expect(narrowed.limits.wall_ms).toBe(500);
  expect(narrowed.limits.output_bytes).toBe(config.limits.output_bytes);
  expect(Object.keys(narrowed.pipelines)).toEqual(['b']);
});

test('one further in narrows more, and takes nothing back', () => {
  const outer = { limits: { wall_ms: 500 }, only_pipelines: ['b'], sandbox: { hide: ['keys'] } };
  project({ ...outer, widen: { env: ['OUTER'] } });
  trustProject(inside, trustFile);
  const c = { stages: [{ name: 's', engine: 'command', argv: ['make'] }] };
  const inner = {
    limits: { wall_ms: 900, output_bytes: 2_000 },
    widen: { pipelines: { c }, env: ['EXTRA'] },
  };
  writeFileSync(join(inside, projectFileName), JSON.stringify(inner));
  trustProject(inside, trustFile);
  const { limits, pipelines, sandbox, env } = configAt(config, inside, trustFile);
  expect(limits).toMatchObject({ wall_ms: 500, output_bytes: 2_000 });
  expect(Object.keys(pipelines)).toEqual(['b']);
  expect(sandbox).toMatchObject({ profile: 'default', hide: [join(dir, 'top', 'keys')] });
  expect(env).toEqual(['EXTRA']);
});

test('what it hides is not opened by a link of another name', () => {
  project({ sandbox: { hide: ['keys'] } });
  mkdirSync(join(dir, 'top', 'keys'));
  symlinkSync(join(dir, 'top', 'keys'), join(dir, 'way'));
  const opening = configSchema.parse({ sandbox: { read: [join(dir, 'way'), join(dir, 'other')] } });
  expect(configAt(opening, inside, trustFile).sandbox.read).toEqual([join(dir, 'other')]);
});

test('it widens only once trusted, and only as it stood then', () => {
  const widen = {
    commands: [{ argv: ['make', '...'], trust_arguments: true }],
    env: ['EXTRA'],
    pipelines: {
      c: { stages: [{ name: 's', engine: 'command', argv: ['make'] }] },
      a: { stages: [{ name: 'x', engine: 'codex' }] },
    },
  };
  project({ widen });
  expect(configAt(config, inside, trustFile)).toMatchObject({ commands: [], env: [] });
  expect(configAt(config, inside, trustFile).pipelines).not.toHaveProperty('c');

  trustProject(inside, trustFile);
  const trusted = configAt(config, inside, trustFile);
  expect(trusted.commands).toEqual([{ argv: ['make', '...'], trust_arguments: true }]);
  expect(trusted.env).toEqual(['EXTRA']);
  expect(trusted.pipelines).toHaveProperty('c');
  expect(trusted.pipelines['a']?.stages[0]?.engine).toBe('command');

  project({ widen: { ...widen, commands: [{ argv: ['rm', '...'] }] } });
  expect(configAt(config, inside, trustFile).commands).toEqual([]);
});

test('a broken project file is refused, naming the field', () => {
  project({ limits: { wall_ms: 'long' } });
  expect(() => configAt(config, inside, trustFile)).toThrow(/limits\.wall_ms/);
  project('{');
  expect(() => configAt(config, inside, trustFile)).toThrow(/top level/);
});

test('trusting where there is nothing to trust says so', () => {
  expect(() => trustProject(inside, trustFile)).toThrow(/no \.codex-fleet\.json/);
});

test('a file that cannot be read forbids all rather than nothing', () => {
  const file = join(dir, 'top', projectFileName);
  mkdirSync(file);
  expect(() => configAt(config, inside, trustFile)).toThrow(/no file of up to 256 KiB/);
  rmSync(file, { recursive: true });
  symlinkSync('/dev/zero', file);
  expect(() => configAt(config, inside, trustFile)).toThrow(/no file of up to 256 KiB/);
  rmSync(file);
  execFileSync('mkfifo', [file]);
  expect(() => configAt(config, inside, trustFile)).toThrow(/no file of up to 256 KiB/);
  rmSync(file);
  project(' '.repeat(256 * 1024 + 1));
  expect(() => configAt(config, inside, trustFile)).toThrow(/no file of up to 256 KiB/);
});

test('what is trusted through a link is trusted where it really is', () => {
  project({ widen: { env: ['EXTRA'] } });
  symlinkSync(join(dir, 'top'), join(dir, 'link'));
  expect(trustProject(join(dir, 'link', 'deep'), trustFile).file).toBe(join(dir, 'top', projectFileName));
  expect(configAt(config, inside, trustFile).env).toEqual(['EXTRA']);
  expect(() => trustProject(join(dir, 'none'), trustFile)).toThrow(/There is no folder/);
});

test('variables are those of files that are still as they were trusted', () => {
  expect(trustedVariables(trustFile)).toEqual([]);
  project({ widen: { env: ['EXTRA', 'MORE'] } });
  expect(trustedVariables(trustFile)).toEqual([]);
  trustProject(inside, trustFile);
  expect(trustedVariables(trustFile)).toEqual(['EXTRA', 'MORE']);
  project({ widen: { env: ['EXTRA', 'SECRET'] } });
  expect(trustedVariables(trustFile)).toEqual([]);
  project('{');
  expect(trustedVariables(trustFile)).toEqual([]);
  rmSync(join(dir, 'top', projectFileName));
  expect(trustedVariables(trustFile)).toEqual([]);
});
