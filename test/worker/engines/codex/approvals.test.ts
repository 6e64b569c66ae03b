import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allowedCommand } from '../../../../schemas/commands.ts';
import {
  judgeCommand,
  judgeFileChange,
  type ApprovalPolicy,
} from '../../../../servers/worker/engines/codex/approvals.ts';
import { Questions } from '../../../../servers/worker/engines/codex/questions.ts';
import { scratchFolder } from '../../../helpers/scratch.ts';

const policy: ApprovalPolicy = {
  commands: 'allow-list',
  allowed: [{ argv: ['ls', '...'] }],
  cwd: '/var/tmp',
  path: '/usr/bin:/bin',
  confined: true,
  isShut: true,
  questions: 'ask',
};
const ask = { itemId: 'i', kind: 'command', command: "/bin/bash -c 'ls -a'", cwd: '/var/tmp/sub' };

describe('a command', () => {
  it('on the list is accepted, and only there', () => {
    expect(judgeCommand(policy, ask).accept).toBe(true);
    expect(judgeCommand({ ...policy, commands: 'sandboxed' }, ask).accept).toBe(false);
    expect(judgeCommand({ ...policy, allowed: [{ argv: ['ls'] }] }, ask).accept).toBe(false);
  });

  it('of git by name is accepted only where what the repository has it run stays in a sandbox', () => {
    const git = { ...ask, command: "/bin/bash -c 'git status'" };
    const named = { ...policy, allowed: [allowedCommand.parse({ binary: 'git' })] };
    expect(judgeCommand(named, git).accept).toBe(true);
    expect(judgeCommand({ ...named, confined: false }, git).accept).toBe(false);
    const byList = { ...named, commands: 'sandboxed', questions: 'accept-allow-listed' } as const;
    expect(judgeCommand(byList, git).accept).toBe(false);
    expect(judgeCommand({ ...byList, allowed: [{ argv: ['git', 'status'] }] }, git).accept).toBe(true);
  });

  it.each([
    ['another folder', { cwd: '/var/tmp2' }],
    ['a folder above', { cwd: '/var/tmp/..' }],
    ['a reason to leave the sandbox', { reason: 'needs the network' }],
    ['network', { networkApprovalContext: { host: 'x' } }],
    ['permissions', { additionalPermissions: { fileSystem: {} } }],
    ['input to a running command', { kind: 'writeStdin' }],
    ['no command', { command: null }],
    ['a second command', { command: "/bin/bash -c 'ls && touch q'" }],
  ])('that asks for %s is not', (_, changes) => {
    expect(judgeCommand(policy, { ...ask, ...changes }).accept).toBe(false);
  });
});

it('a command is an escalation where it gives a reason, or could get more by being accepted', () => {
  const kindOf = (shut: boolean, changes = {}) =>
    judgeCommand({ ...policy, commands: 'sandboxed', isShut: shut }, { ...ask, ...changes }).question
      .escalation;
  expect([kindOf(true), kindOf(true, { reason: '' }), kindOf(false)]).toEqual([
    undefined,
    'sandbox',
    'sandbox',
  ]);
});

describe('questions answered by the list', () => {
  const byList = { ...policy, commands: 'sandboxed', questions: 'accept-allow-listed' } as const;

  it('accept one plain command on it, whatever its reason', () => {
    expect(judgeCommand(byList, ask).accept).toBe(true);
    expect(judgeCommand(byList, { ...ask, reason: 'needs the network' }).accept).toBe(true);
  });

  it.each([
    ['another command', { command: "/bin/bash -c 'rm -rf x'" }],
    ['a second command', { command: "/bin/bash -c 'ls && touch q'" }],
    ['a pipe', { command: "/bin/bash -c 'ls | sh'" }],
    ['a redirection', { command: "/bin/bash -c 'ls > q'" }],
    ['a substitution', { command: "/bin/bash -c 'ls $(touch q)'" }],
    ['another shell', { command: "/bin/bash -lc 'ls'" }],
    ['another folder', { cwd: '/var/tmp2' }],
    ['network', { networkApprovalContext: { host: 'x' } }],
    ['permissions', { additionalPermissions: { fileSystem: {} } }],
    ['input to a running command', { kind: 'writeStdin' }],
  ])('never accept %s', (_, changes) => {
    expect(judgeCommand(byList, { ...ask, ...changes }).accept).toBe(false);
  });

  it('never accept a change of files', async () => {
    const cwd = scratchFolder();
    const change = { path: join(cwd, 'a'), kind: { type: 'add' } };
    expect((await judgeFileChange({ ...byList, cwd }, { itemId: 'i' }, [change])).accept).toBe(false);
  });
});

describe('a change of files', () => {
  it.each([
    ['new.txt', true],
    ['sub/new.txt', true],
    ['../up.txt', false],
    ['.git/hooks/pre-commit', false],
    ['sub/.git/config', false],
    ['.codex/config.toml', false],
    ['out/new.txt', false],
    ['dangling', false],
    ['.', false],
  ])('of %s is accepted: %s', async (path, accept) => {
    const root = scratchFolder();
    const cwd = join(root, 'work');
    mkdirSync(join(cwd, 'sub'), { recursive: true });
    symlinkSync(root, join(cwd, 'out'));
    symlinkSync(join(root, 'nowhere'), join(cwd, 'dangling'));
    const change = { path: join(cwd, path), kind: { type: 'add' } };
    const here = { ...policy, cwd };
    expect((await judgeFileChange(here, { itemId: 'i' }, [change])).accept).toBe(accept);
    const moved = { path: join(cwd, 'a'), kind: { type: 'update', move_path: join(cwd, path) } };
    expect((await judgeFileChange(here, { itemId: 'i' }, [moved])).accept).toBe(accept);
  });

  it('that is unknown, or asks for a folder for ever, is not accepted', async () => {
    const cwd = scratchFolder();
    const here = { ...policy, cwd };
    expect((await judgeFileChange(here, { itemId: 'i' }, [])).accept).toBe(false);
    const change = { path: join(cwd, 'a'), kind: { type: 'add' } };
    expect((await judgeFileChange(here, { itemId: 'i', grantRoot: cwd }, [change])).accept).toBe(false);
  });
});

describe('questions', () => {
  const question = (text: string): { kind: 'command'; text: string } => ({ kind: 'command', text });

  it('are shown one at a time, and go when nobody waits any more', async () => {
    const shown: (string | undefined)[] = [];
    const questions = new Questions((one) => shown.push(one?.text));
    const answers = ['a', 'b', 'c'].map((id) => questions.ask(id, question(id)));
    questions.lapse('b');
    questions.answer({ answer: 'accept', by: 'client' });
    questions.lapse('c');
    expect(await Promise.all(answers)).toEqual([{ answer: 'accept', by: 'client' }, undefined, undefined]);
    expect(shown).toEqual(['a', 'c', undefined]);
    expect(() => questions.answer({ answer: 'accept', by: 'client' })).toThrowError(
      expect.objectContaining({ code: 'WRONG_STATE' }),
    );
  });
});
