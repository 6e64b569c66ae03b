import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { FleetError } from '../../../../core/errors.ts';
import type { ProbeContext } from '../engine.ts';
import type { CodexProgram } from './find-codex.ts';
import { hiddenBeside } from './hidden-places.ts';
import { permissionProfile, profileName } from './permission-profile.ts';
import { runConfigToml } from './quiet-config.ts';
import { runToEnd } from './run-to-end.ts';

/** The sandbox is a second's work at most; a host that needs longer cannot run anything. */
const proofTimeoutMs = 20_000;

/**
 * What a command that wants out would try first. `$1` is a folder with the workspace in it, and beside that
 * homes of this and of another Codex; `$2` the port of a server. Fixed text; nothing is put into it.
 */
const spy = `
cat "$1/canary" "$1"/*/auth.json "$1"/*/config.toml "$1"/*/sessions/* 2>&1
env
cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'
echo outside > "$1/outside" 2>/dev/null
echo more >> "$1/codex/config.toml" 2>/dev/null
bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && cat <&3' "$2" 2>/dev/null
echo inside > inside && echo WROTE
`;

/**
 * Has Codex run a command in the sandbox of runs, under the layer of runs: the command must not see
 * planted files, in its own CODEX_HOME and in another's, nor a variable of the process, reach no server,
 * change no file outside, and must be able to write in its workspace. Both for runs that may ask for more and
 * for those that may not. Resolves with why sandboxed runs are to be refused; undefined where it held.
 */
export async function proveSandbox(
  program: CodexProgram,
  context: ProbeContext,
): Promise<FleetError | undefined> {
  const [narrow, wide] = await Promise.all([false, true].map((wider) => prove(wider, program, context)));
  return narrow ?? wide;
}

async function prove(
  mayEscalate: boolean,
  program: CodexProgram,
  context: ProbeContext,
): Promise<FleetError | undefined> {
  const dir = join(context.stateDir, `probe-${randomBytes(6).toString('hex')}`);
  const canary = randomBytes(16).toString('hex');
  const server = createServer((socket) => socket.on('error', () => undefined).end(canary));
  try {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return await proveIn({ dir, canary, port, mayEscalate }, program, context);
  } finally {
    server.close();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Planted {
  dir: string;
  canary: string;
  port: number;
  mayEscalate: boolean;
}

async function proveIn(
  planted: Planted,
  program: CodexProgram,
  context: ProbeContext,
): Promise<FleetError | undefined> {
  const { dir, canary, port } = planted;
  const { codex, tmp, workspace } = await plant(planted, program);
  const command = ['/bin/sh', '-c', spy, 'spy', dir, String(port)];
  const argv = ['sandbox', '-P', profileName, '-C', workspace, '--', ...command];
  const env = { ...context.env, CODEX_HOME: codex, TMPDIR: tmp, CODEX_FLEET_CANARY: canary };
  const said = await runToEnd(
    context.startProcess,
    { argv: [program.binary, ...argv], cwd: workspace, env, stdin: 'ignore', tmpDir: tmp },
    proofTimeoutMs,
  );
  const wrote = await readFile(join(workspace, 'inside'), 'utf8').catch(() => '');
  const escaped = await readFile(join(dir, 'outside'), 'utf8').catch(() => '');
  const changed = (await readFile(join(codex, 'config.toml'), 'utf8')).endsWith('more\n');
  if (said.stdout.includes(canary) || said.stderr.includes(canary) || escaped !== '' || changed) {
    return new FleetError(
      'SANDBOX_UNAVAILABLE',
      "Codex's sandbox did not hold: a planted secret could be read, a server reached, or a file outside changed.",
      {
        next: 'Use a pipeline with "commands": "allow-list" until `codex-fleet doctor` shows the sandbox to hold.',
      },
    );
  }
  const held = wrote.trim() === 'inside' && said.stdout.includes('WROTE');
  return held ? undefined : sandboxFault(said.stderr);
}

/** A workspace, a CODEX_HOME with the profile of runs, another's, and secrets in and beside them. */
async function plant(
  { dir, canary, mayEscalate }: Planted,
  program: CodexProgram,
): Promise<{ codex: string; tmp: string; workspace: string }> {
  const folders = { codex: join(dir, 'codex'), tmp: join(dir, 'tmp'), workspace: join(dir, 'workspace') };
  const other = join(dir, 'other');
  for (const folder of [...Object.values(folders), other]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  for (const home of [folders.codex, other]) {
    await mkdir(join(home, 'sessions'), { mode: 0o700 });
    await writeFile(join(home, 'sessions', 'one.jsonl'), canary, { mode: 0o600 });
  }
  await writeFile(join(dir, 'canary'), canary, { mode: 0o600 });
  await writeFile(join(other, 'auth.json'), canary, { mode: 0o600 });
  await writeFile(join(other, 'config.toml'), canary, { mode: 0o600 });
  // As a run's own sign-in lies there: a link to the user's.
  await symlink(join(dir, 'canary'), join(folders.codex, 'auth.json'));
  const config = join(folders.codex, 'config.toml');
  await writeFile(config, '', { mode: 0o600 });
  const needed = [folders.workspace, folders.tmp, join(folders.codex, 'tmp'), program.packagePath];
  const profile = permissionProfile({
    codexHome: folders.codex,
    packagePath: program.packagePath,
    workspace: 'write',
    readable: [],
    writable: [folders.tmp],
    hidden: mayEscalate ? await hiddenBeside([folders.codex, other, join(dir, 'canary')], needed) : [],
    mayEscalate,
  });
  const commandEnv = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folders.tmp };
  const toml = runConfigToml({ settings: {}, profile, commandEnv, untrusted: [folders.workspace] });
  await writeFile(config, `${toml}\n# ${canary}\n`);
  return folders;
}

/** The fix that fits what the sandbox said when it could not start. */
function sandboxFault(said: string): FleetError {
  const line = said.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
  return new FleetError('SANDBOX_UNAVAILABLE', `Codex's sandbox does not start here: ${line}`, {
    next: fixFor(said),
  });
}

export function fixFor(said: string): string {
  if (said.includes('RTM_NEWADDR') || said.includes('uid map')) {
    return 'Allow bwrap its user namespaces: `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu).';
  }
  if (said.includes('namespace')) {
    return 'Allow user namespaces: `sudo sysctl user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1`; in Docker add `--security-opt seccomp=unconfined`.';
  }
  return 'Run `codex-fleet doctor`; a pipeline with "commands": "allow-list" works without the sandbox.';
}
