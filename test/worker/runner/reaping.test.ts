import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { probeReaping, reportReaping, type ReapingProbe } from '../../../servers/worker/runner/reaping.ts';
import { createStartProcess } from '../../../servers/worker/runner/start-process.ts';
import { eventually } from '../../helpers/processes.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { layers, openRunner, path } from './support.ts';

async function probe(options: Partial<Parameters<typeof probeReaping>[0]> = {}): Promise<ReapingProbe> {
  const probed = await probeReaping({
    config: { reaping: 'auto' },
    path,
    stateDir: scratchFolder(),
    ...options,
  });
  onTestFinished(() => probed.layer.close());
  return probed;
}

/** A folder with a program of that name, first on the PATH. */
function pathWith(name: string, script: string): string {
  const folder = scratchFolder();
  writeFileSync(join(folder, name), script);
  chmodSync(join(folder, name), 0o755);
  return `${folder}:${path}`;
}

describe('probing reaping', () => {
  it('chooses the pid namespace where it works', async () => {
    const probed = await probe();
    expect(probed.reaping).toBe('pid_namespace');
    expect(probed.tried).toEqual([{ reaping: 'pid_namespace', works: true }]);
    expect(probed.layer.reaping).toBe('pid_namespace');
  });

  it.each(layers)('takes %s where it is asked for', async (reaping) => {
    const probed = await probe({ config: { reaping } });
    expect(probed.tried).toEqual([{ reaping, works: true }]);
  });

  it('goes on to the next layer where one does not work, and says why', async () => {
    const broken = pathWith('nsenter', '#!/bin/sh\necho "nsenter: not permitted" >&2\nexit 1\n');
    const probed = await probe({ path: broken });
    expect(probed.reaping).toBe('cgroup');
    expect(probed.tried[0]).toEqual({
      reaping: 'pid_namespace',
      works: false,
      why: expect.stringContaining('not permitted'),
    });
  });

  it('goes on to the next bwrap where one does not work', async () => {
    const broken = pathWith(
      'bwrap',
      '#!/bin/sh\necho "bwrap: no permissions to create a new namespace" >&2\nexit 1\n',
    );
    expect((await probe({ path: broken })).reaping).toBe('pid_namespace');
  });

  it('refuses where the one that is asked for does not work', async () => {
    const broken = pathWith('nsenter', '#!/bin/sh\nexit 1\n');
    const asked = probeReaping({
      config: { reaping: 'pid_namespace' },
      path: broken,
      stateDir: scratchFolder(),
    });
    await expect(asked).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
  });

  it('does not take a layer that cannot kill for one that works', async () => {
    // A "setsid" that puts the run outside of the namespace's reach: it never starts anything.
    const probed = await probe({ path: pathWith('setsid', '#!/bin/sh\nexit 0\n') });
    expect(probed.reaping).toBe('cgroup');
    expect(probed.tried[0]?.works).toBe(false);
  });

  it('finds the bwrap that lies beside Codex', async () => {
    const codexPackage = scratchFolder();
    mkdirSync(join(codexPackage, 'bin'));
    mkdirSync(join(codexPackage, 'codex-resources'));
    const bwrap = spawnSync('/bin/sh', ['-c', 'command -v bwrap']).stdout.toString().trim();
    copyFileSync(bwrap, join(codexPackage, 'codex-resources', 'bwrap'));
    const reports = await reportReaping({
      path,
      stateDir: scratchFolder(),
      codexBinary: join(codexPackage, 'bin', 'codex'),
    });
    expect(reports).toEqual(layers.map((reaping) => ({ reaping, works: true })));
  });

  it('leaves nothing behind', async () => {
    const stateDir = scratchFolder();
    const before = ownChildren();
    await reportReaping({ path, stateDir });
    await eventually(() => ownChildren().length === before.length);
    expect(readdirSync(stateDir, { recursive: true })).toEqual(['processes']);
  });
});

describe.each(layers)('what a run under %s can see', (reaping) => {
  it('holds no secret of the process that started it', async () => {
    const secret = `secret-${String(process.pid)}-${String(Math.random())}`;
    process.env['FLEET_TEST_SECRET'] = secret;
    onTestFinished(() => {
      delete process.env['FLEET_TEST_SECRET'];
    });
    const runner = await openRunner(reaping);
    // Its own tree: itself, its parent where it sees one, and whatever holds the namespace.
    const script = 'cat /proc/self/environ /proc/$$/environ; [ "$0" = all ] && cat /proc/[0-9]*/environ; :';
    const run = runner.run(['/bin/sh', '-c', script, reaping === 'pid_namespace' ? 'all' : 'own']);
    await run.ended;
    expect(run.stdout().toString()).not.toContain(secret);
    expect(run.stdout().toString()).toContain('PATH=');
  });
});

describe('the pid namespace', () => {
  it('shows a run only its own processes', async () => {
    const runner = await openRunner('pid_namespace');
    const run = runner.run(['/bin/sh', '-c', 'ls -d /proc/[0-9]* | wc -l']);
    await run.ended;
    expect(Number(run.stdout().toString())).toBeLessThanOrEqual(6);
  });

  it('leaves the file system, the devices and the user as they are', async () => {
    const runner = await openRunner('pid_namespace');
    const folder = scratchFolder();
    symlinkSync('/dev/null', join(folder, 'null'));
    const script = 'id -u; echo kept > file; echo x > null; readlink /proc/self/root; umask';
    const outside = spawnSync('/bin/sh', ['-c', script], { cwd: folder });
    const run = runner.run(['/bin/sh', '-c', script], { cwd: folder });
    await run.ended;
    expect(run.stdout().toString()).toBe(outside.stdout.toString());
    expect(run.stderr().toString()).toBe('');
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('kept\n');
  });

  it('is made anew where somebody killed the spare one', async () => {
    const { layer } = await probe({ config: { reaping: 'pid_namespace' } });
    const startProcess = createStartProcess(layer);
    const echo = async (): Promise<unknown> =>
      startProcess(
        { argv: ['/bin/echo', 'x'], cwd: '/', env: {}, stdin: 'ignore', tmpDir: '/' },
        { stdout: () => undefined, stderr: () => undefined },
      ).ended;
    await echo();
    await eventually(() => ownChildren().some((child) => child.name === 'bwrap'));
    for (const child of ownChildren()) if (child.name === 'bwrap') process.kill(child.pid, 'SIGKILL');
    await eventually(() => ownChildren().every((child) => child.name !== 'bwrap'));
    expect(await echo()).toEqual({ kind: 'exit', code: 0 });
  });
});

/** Live children of this very process. */
function ownChildren(): { pid: number; name: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, name = '', state, parent] =
          /^\d+ \((.*)\) (\S) (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
        return Number(parent) === process.pid && state !== 'Z' ? [{ pid: Number(pid), name }] : [];
      } catch {
        return [];
      }
    });
}
