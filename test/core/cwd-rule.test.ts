import { describe, expect, it } from 'vitest';
import { checkCwd } from '../../core/cwd-rule.ts';

const state = '/home/jane/.local/state/codex-fleet';
const rule = { roots: ['/srv/code'], bridge: '/home/jane/app', home: '/home/jane', state };

describe('where a run may work', () => {
  it.each([
    ['/srv/code', rule],
    ['/srv/code/a/b', rule],
    ['/home/jane/app', rule],
    ['/home/jane/app/src', rule],
    ['/home/jane/x', { ...rule, bridge: '/home/jane' }],
    ['/anywhere', { ...rule, roots: ['/'] }],
    ['/home/jane/.local/state/codex-fleet-not', { ...rule, roots: ['/home/jane/.local'] }],
  ])('%s is allowed', (cwd, given) => {
    expect(() => checkCwd(cwd, given)).not.toThrow();
  });

  it.each([
    ['/', rule],
    ['/', { ...rule, roots: ['/'] }],
    ['/home/jane', rule],
    ['/home/jane', { ...rule, roots: ['/home/jane'] }],
    ['/home', { ...rule, roots: ['/'] }],
    ['/home/jane', { ...rule, roots: ['/home/jane'], state: '/srv/state' }],
    ['/home', { ...rule, roots: ['/'], state: '/srv/state' }],
    [state, { ...rule, roots: [state] }],
    [`${state}/workers/local-1`, { ...rule, roots: ['/home/jane/.local'] }],
    ['/home/jane/.local', { ...rule, roots: ['/home/jane/.local'] }],
    ['/home/jane/other', rule],
    ['/srv/codex', rule],
    ['/etc', { ...rule, bridge: '/' }],
    ['/home/jane/app', { ...rule, bridge: undefined }],
  ])('%s is not', (cwd, given) => {
    expect(() => checkCwd(cwd, given)).toThrow(expect.objectContaining({ code: 'CWD_NOT_ALLOWED' }));
  });
});
