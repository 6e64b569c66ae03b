import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { config as configSchema } from '../../../schemas/config.ts';
import { pipeline as pipelineSchema } from '../../../schemas/pipeline.ts';
import { sandboxLayers } from '../../../schemas/sandbox.ts';
import { probeReaping } from '../../../servers/worker/runner/reaping.ts';
import { findPrograms } from '../../../servers/worker/runner/find-programs.ts';
import { createStartProcess } from '../../../servers/worker/runner/start-process.ts';
import { createSandbox, type Sandbox } from '../../../servers/worker/sandbox/sandbox.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { path } from '../runner/support.ts';

const stage = { name: 'work', engine: 'command' as const, argv: ['/bin/true'] };
const pipeline = pipelineSchema.parse({ stages: [stage] });

type Reaping = 'auto' | 'cgroup' | 'best_effort';

async function open(reaping: Reaping, programs = path) {
  const dir = scratchFolder();
  const { layer } = await probeReaping({ config: { reaping }, path: programs, stateDir: dir });
  onTestFinished(() => layer.close());
  return { dir, layer, sandbox: createSandbox({ layer, dir, ours: [] }) };
}

function check(sandbox: Sandbox, sandboxConfig: Record<string, unknown>): Promise<void> {
  const config = configSchema.parse({ sandbox: sandboxConfig });
  return sandbox.check({ config, pipeline, stages: [stage], cwd: '/var/tmp' });
}

/** A bwrap that works but for arguments that hold `word`. */
function withoutBwrap(word: string): string {
  const folder = scratchFolder();
  const [real = ''] = findPrograms('bwrap', path);
  const script = `#!/bin/sh\nfor a; do [ "$a" = ${word} ] && { echo "bwrap: Creating new namespace failed" >&2; exit 1; }; done\nexec ${real} "$@"\n`;
  writeFileSync(join(folder, 'bwrap'), script);
  chmodSync(join(folder, 'bwrap'), 0o755);
  return `${folder}:${path}`;
}

const refused = { code: 'SANDBOX_UNAVAILABLE' };

describe('where every layer works', () => {
  it('proves each and refuses nothing', async () => {
    const { sandbox } = await open('auto');
    expect(await sandbox.prove()).toEqual(sandboxLayers.map((layer) => ({ layer, state: 'enforced' })));
    await check(sandbox, { profile: 'strict' });
    expect(sandbox.known()).toHaveLength(sandboxLayers.length);
  });
});

describe('where layers are missing', () => {
  it.each(['cgroup', 'best_effort'] as const)('refuses under %s', async (reaping) => {
    const { sandbox } = await open(reaping);
    await expect(check(sandbox, { profile: 'default' })).rejects.toMatchObject(refused);
    await expect(check(sandbox, { profile: 'strict' })).rejects.toMatchObject(refused);
    await check(sandbox, { profile: 'off' });
  });

  it('refuses where namespaces cannot be confined, and says what bwrap said', async () => {
    const { sandbox } = await open('auto', withoutBwrap('--unshare-net'));
    await expect(check(sandbox, { profile: 'default' })).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('Creating new namespace failed'),
      next: expect.stringContaining('sysctl'),
    });
  });

  it('refuses strict alone where calls cannot be filtered', async () => {
    const { sandbox } = await open('auto', withoutBwrap('--seccomp'));
    await check(sandbox, { profile: 'default' });
    await expect(check(sandbox, { profile: 'strict' })).rejects.toMatchObject(refused);
    await check(sandbox, { profile: 'strict', allow_degraded: ['system_calls'] });
  });

  it('runs without where that is allowed, and says so', async () => {
    const { sandbox, layer, dir } = await open('best_effort');
    const allowed = { profile: 'default', allow_degraded: [...sandboxLayers] };
    await check(sandbox, allowed);
    const notes: unknown[] = [];
    const config = configSchema.parse({ sandbox: allowed });
    const start = sandbox.around(createStartProcess(layer), {
      stage,
      pipeline,
      config,
      cwd: dir,
      env: {},
      report: (report) => notes.push(report),
    });
    const spec = { argv: ['/bin/true'] as const, cwd: dir, env: {}, stdin: 'ignore' as const, tmpDir: dir };
    const running = start(spec, { stdout: () => undefined, stderr: () => undefined });
    expect(await running.ended).toEqual({ kind: 'exit', code: 0 });
    expect(notes).toEqual([
      { kind: 'note', text: expect.stringContaining('enforced network, privileges; filesystem degraded') },
      { kind: 'degraded', layers: ['filesystem', 'processes'] },
    ]);
  });
});

describe('a layer that cannot confine', () => {
  it.each(['cgroup', 'best_effort'] as const)('starts nothing confined: %s', async (reaping) => {
    const { layer, dir } = await open(reaping);
    const confinement = {
      writable: [],
      readable: [],
      hidden: [],
      network: false,
      tmpBytes: 65_536,
      filtersCalls: false,
    };
    const spec = { argv: ['/bin/true'] as const, cwd: dir, env: {}, stdin: 'ignore' as const, tmpDir: dir };
    const running = createStartProcess(layer)(
      { ...spec, confinement },
      { stdout: () => undefined, stderr: () => undefined },
    );
    expect(await running.ended).toEqual({ kind: 'spawn', errno: 'EPERM' });
  });
});
