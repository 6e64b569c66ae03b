import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openNamespace } from '../../servers/worker/runner/namespace.ts';
import { pidNamespaceLayer } from '../../servers/worker/runner/pid-namespace.ts';
import { spawnBy } from '../../servers/worker/runner/spawn-child.ts';
import { createStartProcess } from '../../servers/worker/runner/start-process.ts';
import { bwrapBesideCodex, findPrograms } from '../../servers/worker/runner/find-programs.ts';
import { codexBinary } from '../helpers/codex-parent.ts';

const path = `${dirname(process.execPath)}:/usr/bin:/bin`;

function one(files: readonly string[]): string {
  const [file] = files;
  if (file === undefined) throw new Error('It is not installed.');
  return file;
}

/** Codex makes no sandbox for a CODEX_HOME under the temporary folder. */
function homeFolder(): string {
  const folder = mkdtempSync(join(homedir(), '.fleet-test-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  for (const name of ['home', 'work', 'tmp']) mkdirSync(join(folder, name));
  return folder;
}

const bwraps = {
  "the system's bwrap": () => one(findPrograms('bwrap', path)),
  "Codex's own bwrap": () => one(bwrapBesideCodex(codexBinary())),
};

describe.each(Object.entries(bwraps))("Codex's sandbox in a namespace by %s", (_name, findBwrap) => {
  it('starts, holds, and tells the exit code of what it runs', async () => {
    const folder = homeFolder();
    const layer = pidNamespaceLayer({
      bwrap: findBwrap(),
      nsenter: one(findPrograms('nsenter', path)),
      setsid: one(findPrograms('setsid', path)),
      setpriv: undefined,
      spawnRun: spawnBy(undefined),
    });
    onTestFinished(() => layer.close());
    const [work, outside] = [join(folder, 'work'), join(folder, 'outside')];
    const script = `touch ${work}/inside && echo made; touch ${outside}; exit 7`;
    let output = '';
    const run = createStartProcess(layer)(
      {
        argv: [codexBinary(), 'sandbox', '-P', ':workspace', '--', '/bin/sh', '-c', script],
        cwd: work,
        env: {
          PATH: path,
          HOME: join(folder, 'home'),
          CODEX_HOME: join(folder, 'home'),
          TMPDIR: join(folder, 'tmp'),
        },
        stdin: 'ignore',
        tmpDir: join(folder, 'tmp'),
      },
      {
        stdout: (chunk) => (output += chunk.toString()),
        stderr: (chunk) => (output += chunk.toString()),
      },
    );
    expect({ end: await run.ended, output }).toMatchObject({ end: { kind: 'exit', code: 7 } });
    expect(output).toContain('made\n');
    expect(output).toContain('Read-only file system');
    expect([existsSync(join(work, 'inside')), existsSync(outside)]).toEqual([true, false]);
  });

  it('opens and ends a namespace', async () => {
    const namespace = await openNamespace(findBwrap());
    expect(namespace.isGone()).toBe(false);
    await namespace.kill();
    expect(namespace.isGone()).toBe(true);
  });
});
