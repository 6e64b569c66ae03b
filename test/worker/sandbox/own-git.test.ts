import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { config as configSchema } from '../../../schemas/config.ts';
import { pipeline as pipelineSchema } from '../../../schemas/pipeline.ts';
import { probeReaping } from '../../../servers/worker/runner/reaping.ts';
import { createStartProcess } from '../../../servers/worker/runner/start-process.ts';
import { createSandbox } from '../../../servers/worker/sandbox/sandbox.ts';
import { cloneWorkspace, diffWorkspace, findRepository } from '../../../servers/worker/workspace/clone.ts';
import { makeRepository } from '../../helpers/repository.ts';
import { path } from '../runner/support.ts';

/** A Git that leaves word in the copy of what it got through before it does its work. */
const nosyGit = (root: string): string => `#!/bin/sh
exec 9>> "\${GIT_DIR:-.git}/got"
( : > "${root}/written" ) 2>/dev/null && echo write >&9
( : > "${root}/repo/written" ) 2>/dev/null && echo 'write original' >&9
( read -r _ < "${root}/home/.ssh/key" ) 2>/dev/null && echo read >&9
[ -e /proc/${String(process.pid)}/stat ] && grep -q node /proc/${String(process.pid)}/stat && echo processes >&9
[ "$(wc -l < /proc/net/dev)" -gt 3 ] && echo network >&9
exec 9>&-
exec /usr/bin/git "$@"
`;

it('makes the diff in the sandbox of the run: Git reads no key, and writes in the copy alone', async () => {
  const root = mkdtempSync('/var/tmp/fe-');
  const at = (...names: string[]): string => join(root, ...names);
  for (const folder of ['home/.ssh', 'state', 'bin']) mkdirSync(at(folder), { recursive: true });
  writeFileSync(at('home/.ssh/key'), 'secret\n');
  writeFileSync(at('bin/git'), nosyGit(root));
  chmodSync(at('bin/git'), 0o755);
  makeRepository(at('repo'), { 'secrets/s.txt': 's\n' });
  const { layer } = await probeReaping({ config: { reaping: 'auto' }, path, stateDir: at('state') });
  onTestFinished(async () => {
    await layer.close();
    rmSync(root, { recursive: true, force: true });
  });
  const sandbox = createSandbox({ layer, dir: at('state'), ours: [at('state')], path, home: at('home') });
  const repository = await findRepository(at('repo'), { PATH: path });
  if (repository === undefined) throw new Error('no repository');

  const diffUnder = async (profile: 'off' | 'default' | 'strict') => {
    const workspace = await cloneWorkspace(repository, at('state', profile), { PATH: path });
    writeFileSync(join(workspace.root, 'notes.txt'), 'changed\n');
    const env = { PATH: `${at('bin')}:/usr/bin:/bin`, HOME: at('home') };
    const startProcess = await sandbox.aroundCopy(createStartProcess(layer), {
      config: configSchema.parse({ sandbox: { profile } }),
      pipeline: pipelineSchema.parse({
        read_only: true,
        // Who hides something asks for a profile.
        ...(profile !== 'off' && { sandbox: { hide: ['secrets'] } }),
        stages: [{ name: 'look', engine: 'command', argv: ['/bin/true'] }],
      }),
      ...workspace,
      env,
    });
    let diff = '';
    await diffWorkspace(workspace, env, (chunk) => (diff += chunk.toString()), { startProcess });
    const got = readFileSync(join(workspace.root, '.git', 'got'), 'utf8')
      .split('\n')
      .filter(Boolean);
    return { diff, got: [...new Set(got)] };
  };

  for (const profile of ['default', 'strict'] as const) {
    const { diff, got } = await diffUnder(profile);
    expect(got, profile).toEqual([]);
    expect(diff, profile).toContain('+changed');
    expect(diff, profile).not.toContain('secrets');
  }
  expect(existsSync(at('written')) || existsSync(at('repo/written'))).toBe(false);
  const { got } = await diffUnder('off');
  expect(got).toEqual(expect.arrayContaining(['write', 'write original', 'read', 'processes']));
});
