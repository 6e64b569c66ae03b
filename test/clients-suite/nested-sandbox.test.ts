import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openNamespace } from '../../servers/worker/runner/namespace.ts';
import { pidNamespaceLayer } from '../../servers/worker/runner/pid-namespace.ts';
import { spawnBy } from '../../servers/worker/runner/spawn-child.ts';
import { createStartProcess } from '../../servers/worker/runner/start-process.ts';
import { bwrapBesideCodex, findPrograms } from '../../servers/worker/runner/find-programs.ts';
import { codexEngine } from '../../servers/worker/engines/codex/engine.ts';
import { findCodex } from '../../servers/worker/engines/codex/find-codex.ts';
import { proveSandbox } from '../../servers/worker/engines/codex/prove-sandbox.ts';
import type { StartProcess } from '../../servers/worker/runner/process.ts';
import { codexBinary } from '../helpers/codex-parent.ts';
import { codexPlace } from '../helpers/codex-place.ts';
import { prompting } from '../helpers/codex-run.ts';
import { startStage } from '../helpers/engine-context.ts';
import { script } from '../scripted-model/script.ts';
import { perl } from '../worker/sandbox/attacks/attack.ts';
import {
  allAttacks,
  attacksOfRoot,
  attacksOnCalls,
  attacksWithoutTwin,
  scriptsOf,
} from '../worker/sandbox/attacks.ts';
import { escapeScript, gotThrough, openEscapeTargets } from '../worker/sandbox/escape-targets.ts';

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
      perl: undefined,
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

describe('what Codex runs', () => {
  it('gets through by none of the attacks a sandbox of ours stops, nor to the home of its own Codex', async () => {
    const place = await codexPlace();
    const runtime = mkdtempSync('/tmp/fe-run-');
    const targets = await openEscapeTargets(runtime);
    onTestFinished(() => {
      targets.close();
      rmSync(runtime, { recursive: true, force: true });
    });
    const env = { ...targets.env, USER_CODEX: place.userHome, MODEL: new URL(place.model.url).port };
    const exports = Object.entries(env).map(([name, value]) => `export ${name}='${value}'`);
    const general = scriptsOf(allAttacks, attacksOfRoot, attacksOnCalls, attacksWithoutTwin);
    const attack = `export CODEX="$HOME/../codex"; ${exports.join('; ')}\necho planted >> "$CODEX/config.toml"\n${escapeScript({ ...general, ...attacksOnCodex })}`;
    const cwd = join(targets.root, 'ws');
    // From a file: Codex asks first where a command it is told holds what it finds dangerous.
    writeFileSync(join(cwd, 'attack.sh'), attack);
    const prompt = prompting(script({ shell: 'sh ./attack.sh' }, { say: 'ok' }));
    const run = startStage(codexEngine, place, prompt, { cwd });
    expect((await run.session.done).outcome).toEqual({ kind: 'exit', code: 0 });
    expect(run.reports).toContainEqual({ kind: 'note', text: expect.stringContaining('inside a namespace') });
    expect(gotThrough(run.output('stdout')).filter((name) => !openDoors.has(name))).toEqual([]);
    expect(readFileSync(join(run.context.homeDir, 'codex', 'config.toml'), 'utf8')).not.toContain('planted');
    const twin = spawnSync('/bin/sh', ['-c', escapeScript(attacksOnCodex)], {
      env: { ...env, CODEX: join(run.context.homeDir, 'codex') },
      encoding: 'utf8',
    });
    expect(gotThrough(twin.stdout)).toEqual(Object.keys(attacksOnCodex));
  });
});

describe('the proof of the sandbox', () => {
  it('fails where a secret is read, a server reached, or a file outside changed', async () => {
    const place = await codexPlace();
    const program = await findCodex(place.config, place.env['PATH'] ?? '');
    const stateDir = join(place.home, '..', 'state');
    const proof = async (more: (folder: string) => string): Promise<string | undefined> => {
      const startProcess: StartProcess = (spec, io) => {
        const config = join(String(spec.env['CODEX_HOME']), 'config.toml');
        const filesystem = '[permissions.fleet.filesystem]\n';
        const text = readFileSync(config, 'utf8').replace(
          filesystem,
          more(join(config, '..', '..')) + filesystem,
        );
        writeFileSync(config, text);
        return place.startProcess(spec, io);
      };
      const fault = await proveSandbox(program, { ...place, startProcess, stateDir });
      return fault?.message;
    };
    const shown = (name: string, access: string) => (folder: string) =>
      `[permissions.fleet.filesystem.${JSON.stringify(join(folder, name))}]\n"." = "${access}"\n`;
    expect(await proof(() => '')).toBeUndefined();
    for (const leak of [
      shown('codex', 'read'),
      shown('other', 'read'),
      shown('codex', 'write'),
      () => '[permissions.fleet.network]\nenabled = true\n',
    ]) {
      expect(await proof(leak)).toContain('did not hold');
    }
  });
});

/** On what a run's own Codex has: `$CODEX` is its CODEX_HOME, and its model listens on `$MODEL`. */
const attacksOnCodex = {
  'own-sign-in': 'grep -q . "$CODEX/auth.json"',
  'sign-in-of-the-user': 'grep -q . "$USER_CODEX/auth.json"',
  'configuration-of-the-user': 'grep -q base_url "$USER_CODEX/config.toml"',
  'own-configuration': 'grep -q base_url "$CODEX/config.toml"',
  'own-threads': 'find "$CODEX/sessions" -name "*.jsonl" | grep -q .',
  'own-databases': 'ls "$CODEX"/*.sqlite',
  'own-model': perl('socket(S, 2, 1, 0) and connect(S, sockaddr_in($ENV{MODEL}, inet_aton("127.0.0.1")))'),
};

/** Its filter of system calls is narrower than that of `strict`: these lead nowhere by themselves. */
const openDoors = new Set(['new-user-namespace', 'userfaultfd']);
