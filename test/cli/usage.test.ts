import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commands } from '../../cli/commands.ts';
import { version } from '../../platform/version.ts';
import { runProgram } from './run-program.ts';

let stateDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'fu-'));
});

afterEach(async () => {
  await rm(stateDir, { recursive: true, force: true });
});

describe('help', () => {
  it('without a command lists them all and is wrong usage', async () => {
    const ended = await runProgram([], stateDir);
    expect(ended.code).toBe(2);
    for (const name of Object.keys(commands)) expect(ended.stdout).toContain(`\n  ${name} `);
  });

  it.each(Object.keys(commands))('of %s shows usage, options and examples', async (name) => {
    const { code, stdout, stderr } = await runProgram([name, '--help'], stateDir);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: codex-fleet ${name}`));
    expect(stdout).toContain('\nOptions:\n');
    expect(stdout).toMatch(/\nExamples:\n {2}\S/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
  });

  it('prints the version', async () => {
    expect(await runProgram(['--version'], stateDir)).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });
});

describe('wrong usage is exit code 2 and names the next step', () => {
  it.each([
    [['fly'], 'there is no command "fly"'],
    [['run', '--nope'], "Unknown option '--nope'"],
    [['run', '--each', 'x'], '--each goes with --stages'],
    [['run', '--effort', 'heroic', 'x'], '--effort is'],
    [['run', '--workspace', 'mine', 'x'], '--workspace is clone or none'],
    [['gc', 'run'], 'options only'],
    [['run', '--wall', 'soon', 'x'], '--wall is a whole number'],
    [['poll'], 'Name runs, or a task'],
    [['poll', 'a/b'], 'neither a run nor a task'],
    [['cancel', 'one', 'two'], 'Name run ids'],
    [['cancel', '--group', 'grp-1', 'one'], 'a task or a group'],
    [['read', 'x'], 'is not a handle'],
    [['read', `hdl_${'a'.repeat(21)}`, '--head', '1', '--tail', '1'], 'Only one of'],
    [['read', `hdl_${'a'.repeat(21)}`, '--grep', 'x', '--stats'], 'Only one of'],
    [['read', `hdl_${'a'.repeat(21)}`, '--grep', 'x', '--pick', 'some'], 'takes first, last or count'],
    [['down', '--cancel', '--drain'], 'not both'],
    [['worker', '--slots', '0'], '--slots is a whole number'],
    [['worker', '--http', '0'], 'CODEX_FLEET_SECRET'],
    [['quickstart', '--engine', 'warp'], '--engine is'],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await runProgram(args, stateDir);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(2);
  });

  it('also as JSON', async () => {
    const { code, stdout } = await runProgram(['poll', '--json'], stateDir);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'INVALID_INPUT', next: expect.stringContaining('--help') },
    });
  });
});

describe('while the fleet is down', () => {
  it.each([
    ['poll', 'task'],
    ['cancel', 'task'],
  ])('%s says how to start it', async (...args) => {
    const { code, stderr } = await runProgram(args, stateDir);
    expect(code).toBe(1);
    expect(stderr).toContain('codex-fleet up');
  });

  it('status says so with exit code 1', async () => {
    const { code, stdout } = await runProgram(['status', '--json'], stateDir);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ up: false, processes: [] });
  });

  it('down has nothing to do', async () => {
    expect(await runProgram(['down'], stateDir)).toEqual({
      code: 0,
      stdout: 'The fleet was not up.\n',
      stderr: '',
    });
  });
});
