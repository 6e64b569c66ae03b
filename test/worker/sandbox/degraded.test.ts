import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { config as configSchema } from '../../../schemas/config.ts';
import { pipeline as pipelineSchema } from '../../../schemas/pipeline.ts';
import { sandboxLayers } from '../../../schemas/sandbox.ts';
import { pidNamespaceLayer } from '../../../servers/worker/runner/pid-namespace.ts';
import { probeReaping } from '../../../servers/worker/runner/reaping.ts';
import { findPrograms } from '../../../servers/worker/runner/find-programs.ts';
import { spawnBy } from '../../../servers/worker/runner/spawn-child.ts';
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
  const folder = mkdtempSync('/var/tmp/fe-');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [real = ''] = findPrograms('bwrap', path);
  const script = `#!/bin/sh\nfor a; do [ "$a" = ${word} ] && { echo "bwrap: Creating new namespace failed" >&2; exit 1; }; done\nexec ${real} "$@"\n`;
  writeFileSync(join(folder, 'bwrap'), script);
  chmodSync(join(folder, 'bwrap'), 0o755);
  return `${folder}:${path}`;
}

/** Where the machine has no Perl. */
function withoutPerl(bwrap: string): { sandbox: Sandbox } {
  const find = (name: string): string => findPrograms(name, path)[0] ?? '';
  const [nsenter, setsid, setpriv] = ['nsenter', 'setsid', 'setpriv'].map(find);
  const tools = { bwrap, nsenter: nsenter ?? '', setsid: setsid ?? '', setpriv, perl: undefined };
  const layer = pidNamespaceLayer({ ...tools, spawnRun: spawnBy(undefined) });
  onTestFinished(() => layer.close());
  return { sandbox: createSandbox({ layer, dir: scratchFolder(), ours: [] }) };
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

describe('without Perl', () => {
  it('bwrap filters the calls', async () => {
    const [bwrap = ''] = findPrograms('bwrap', path);
    const { sandbox } = withoutPerl(bwrap);
    await check(sandbox, { profile: 'strict' });
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
    const [bwrap = ''] = findPrograms('bwrap', withoutBwrap('--seccomp'));
    const { sandbox } = withoutPerl(bwrap);
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

describe('what confines a command', () => {
  it.each([
    ['default', 'auto'],
    ['strict', 'auto'],
    ['strict', 'best_effort'],
  ] as const)(
    'adds no word to what it says under %s by %s, and tells the signal it ends by',
    async (profile, by) => {
      const { sandbox, layer, dir } = await open(by);
      const config = configSchema.parse({ sandbox: { profile, allow_degraded: [...sandboxLayers] } });
      await sandbox.check({ config, pipeline, stages: [stage], cwd: dir });
      const env = { PATH: '/usr/bin:/bin', LANG: 'xx_YY.UTF-8' };
      const report = (): void => undefined;
      const start = sandbox.around(createStartProcess(layer), {
        stage,
        pipeline,
        config,
        cwd: dir,
        env,
        report,
      });
      const argv = ['/bin/sh', '-c', 'env | grep PERL; kill -TERM $$'] as const;
      let said = '';
      const hear = (chunk: Uint8Array): void => void (said += Buffer.from(chunk).toString());
      const running = start(
        { argv, cwd: dir, env, stdin: 'ignore', tmpDir: dir },
        { stdout: hear, stderr: hear },
      );
      expect(await running.ended).toEqual({ kind: 'signal', signal: 'SIGTERM' });
      expect(said).toBe('');
    },
  );
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
