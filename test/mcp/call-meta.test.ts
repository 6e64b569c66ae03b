import { expect, it } from 'vitest';
import { readCallMeta } from '../../mcp/call-meta.ts';

const codex = { callId: 'call_1', threadId: 't1', 'x-codex-turn-metadata': { turn_id: 'u1' } };

it.each([
  ['nothing', undefined, undefined, undefined],
  ['a list', [], undefined, undefined],
  ['foreign keys', { progressToken: 1 }, undefined, undefined],
  ['our own', { 'codex-fleet/call': { id: 'b1', cwd: '/w' } }, 'b1', '/w'],
  ['a folder alone', { 'codex-fleet/call': { cwd: '/w' } }, undefined, '/w'],
  ['wrong types', { 'codex-fleet/call': { id: 1, cwd: ['/'] } }, undefined, undefined],
  ['empty strings', { 'codex-fleet/call': { id: '', cwd: '' } }, undefined, undefined],
  ["Claude Code's", { 'claudecode/toolUseId': 'toolu_1' }, 'toolu_1', undefined],
  ["Codex's, within its turn", codex, 't1/u1/call_1', undefined],
  ["Codex's without a turn", { callId: 'call_1', threadId: 't1' }, 't1/call_1', undefined],
  ["Codex's before the bridge's", { ...codex, 'codex-fleet/call': { id: 'b1' } }, 't1/u1/call_1', undefined],
  [
    "Claude Code's before the bridge's",
    { 'claudecode/toolUseId': 'toolu_1', 'codex-fleet/call': { id: 'b1', cwd: '/w' } },
    'toolu_1',
    '/w',
  ],
])('reads %s', (_what, meta, callId, cwd) => {
  expect(readCallMeta(meta)).toEqual({ callId, cwd, depth: undefined });
});

it('takes nothing else of what Codex says of a call: folders, commits, addresses', () => {
  const turn = {
    turn_id: 'u1',
    workspaces: {
      '/home/jane.doe': { latest_git_commit_hash: 'c0ffee', associated_remote_urls: { o: 'jane@h' } },
    },
  };
  const meta = { ...codex, 'x-codex-turn-metadata': turn, 'x-codex-user': 'jane.doe@example.org' };
  expect(readCallMeta(meta)).toEqual(readCallMeta(codex));
});

it.each([
  [0, 0],
  [2, 2],
  [-1, undefined],
  [0.5, undefined],
  ['1', undefined],
])('reads the depth %s', (depth, read) => {
  expect(readCallMeta({ 'codex-fleet/call': { depth } }).depth).toBe(read);
});

it('keeps an id short enough for a request key, and distinct', () => {
  const read = (id: string) => readCallMeta({ 'codex-fleet/call': { id } }).callId;
  expect(read('a'.repeat(200))).toBe('a'.repeat(200));
  const long = read('a'.repeat(201));
  expect(long).toHaveLength(64);
  expect(read('a'.repeat(202))).not.toBe(long);
});
