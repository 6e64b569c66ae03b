import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configAt, projectFileName } from '../../platform/project-config.ts';
import { config as configSchema } from '../../schemas/config.ts';
import { runProgram, type Ended } from './run-program.ts';

let root: string;
let app: string;
let stateDir: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'fleet-trust-')));
  app = join(root, 'app');
  stateDir = join(root, 'state');
  mkdirSync(join(app, 'src'), { recursive: true });
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function project(content: unknown): void {
  writeFileSync(join(app, projectFileName), JSON.stringify(content));
}

async function trust(args: string[], cwd = app): Promise<Ended> {
  mkdirSync(stateDir, { recursive: true });
  return runProgram(['trust', ...args], stateDir, { cwd });
}

function isWidened(): boolean {
  return configAt(configSchema.parse({}), app, join(stateDir, 'trust.json')).commands.length > 0;
}

const widen = {
  commands: [{ argv: ['make', '...'], trust_arguments: true }],
  env: ['FLAG'],
  pipelines: { check: { stages: [{ name: 's', engine: 'command', argv: ['make'] }] } },
};

describe('codex-fleet trust', () => {
  it.each([
    ['the folder one stands in', [], 'app'],
    ['one below it', [], 'app/src'],
    ['a relative one', ['app'], '.'],
    ['an absolute one', ['ABSOLUTE'], '.'],
  ])('takes %s', async (_what, args, cwd) => {
    project({ widen });
    expect(isWidened()).toBe(false);
    const given = args.map((arg) => (arg === 'ABSOLUTE' ? join(app, 'src') : arg));
    const ended = await trust(given, join(root, cwd));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toContain(join(app, projectFileName));
    expect(isWidened()).toBe(true);
    expect(statSync(join(stateDir, 'trust.json')).mode & 0o777).toBe(0o600);
  });

  it('shows what is trusted', async () => {
    project({ widen });
    const { stdout } = await trust([]);
    for (const part of ['make ...', 'check', 'FLAG']) expect(stdout).toContain(part);
    const json = await trust(['--json']);
    expect(JSON.parse(json.stdout)).toEqual({
      file: join(app, projectFileName),
      commands: ['make ...'],
      pipelines: ['check'],
      env: ['FLAG'],
    });
  });

  it('says what is wrong', async () => {
    expect(await trust([])).toMatchObject({ code: 1, stderr: expect.stringContaining(projectFileName) });
    expect(await trust(['a', 'b'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Name one folder'),
    });
    expect(await trust(['nowhere'])).toMatchObject({ code: 2, stderr: expect.stringContaining('nowhere') });
    project({ widen: { commands: 'all' } });
    expect(await trust([])).toMatchObject({ code: 2, stderr: expect.stringContaining('widen.commands') });
    expect(isTrusted()).toBe(false);
  });

  function isTrusted(): boolean {
    return statSync(join(stateDir, 'trust.json'), { throwIfNoEntry: false }) !== undefined;
  }
});
