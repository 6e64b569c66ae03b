import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '../../../../core/errors.ts';
import type { ProbeContext } from '../engine.ts';
import type { CodexProgram } from './find-codex.ts';
import { permissionProfile, profileName } from './permission-profile.ts';
import { runConfigToml } from './quiet-config.ts';
import { runToEnd } from './run-to-end.ts';

/** The sandbox is a second's work at most; a host that needs longer cannot run anything. */
const proofTimeoutMs = 20_000;

/** What a command that wants out would try first. */
const spy = `
cat "$1/canary" "$1/codex/auth.json" "$1/codex/config.toml" 2>&1
env
cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'
echo outside > "$1/outside" 2>/dev/null
echo inside > inside && echo WROTE
`;

/**
 * Has Codex run a command in the sandbox of runs, under the layer of runs: the command must not see
 * planted files, nor a variable of the process, and must be able to write in its workspace. Resolves
 * with why sandboxed runs are to be refused; undefined where the sandbox was seen to hold.
 */
export async function proveSandbox(
  program: CodexProgram,
  context: ProbeContext,
): Promise<FleetError | undefined> {
  const dir = join(context.stateDir, `probe-${randomBytes(6).toString('hex')}`);
  try {
    return await proveIn(dir, program, context);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function proveIn(
  dir: string,
  program: CodexProgram,
  context: ProbeContext,
): Promise<FleetError | undefined> {
  const canary = randomBytes(16).toString('hex');
  const { codex, tmp, workspace } = await plant(dir, canary, program);
  const argv = ['sandbox', '-P', profileName, '-C', workspace, '--', '/bin/sh', '-c', spy, 'spy', dir];
  const env = { ...context.env, CODEX_HOME: codex, TMPDIR: tmp, CODEX_FLEET_CANARY: canary };
  const said = await runToEnd(
    context.startProcess,
    { argv: [program.binary, ...argv], cwd: workspace, env, stdin: 'ignore', tmpDir: tmp },
    proofTimeoutMs,
  );
  const wrote = await readFile(join(workspace, 'inside'), 'utf8').catch(() => '');
  const escaped = await readFile(join(dir, 'outside'), 'utf8').catch(() => '');
  if (said.stdout.includes(canary) || said.stderr.includes(canary) || escaped !== '') {
    return new FleetError(
      'SANDBOX_UNAVAILABLE',
      "Codex's sandbox did not hold: a planted secret could be read.",
      {
        next: 'Use a pipeline with "commands": "allow-list" until `codex-fleet doctor` shows the sandbox to hold.',
      },
    );
  }
  const held = wrote.trim() === 'inside' && said.stdout.includes('WROTE');
  return held ? undefined : sandboxFault(said.stderr);
}

/** A workspace, a CODEX_HOME with the profile of runs, and secrets beside them. */
async function plant(
  dir: string,
  canary: string,
  program: CodexProgram,
): Promise<{ codex: string; tmp: string; workspace: string }> {
  const folders = { codex: join(dir, 'codex'), tmp: join(dir, 'tmp'), workspace: join(dir, 'workspace') };
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(dir, 'canary'), canary, { mode: 0o600 });
  await writeFile(join(folders.codex, 'auth.json'), JSON.stringify({ OPENAI_API_KEY: canary }), {
    mode: 0o600,
  });
  const profile = permissionProfile({
    codexHome: folders.codex,
    packagePath: program.packagePath,
    workspace: 'write',
    readable: [],
    writable: [folders.tmp],
    hidden: [],
    mayEscalate: false,
  });
  const commandEnv = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folders.tmp };
  const toml = runConfigToml({ settings: {}, profile, commandEnv, untrusted: [folders.workspace] });
  await writeFile(join(folders.codex, 'config.toml'), toml, { mode: 0o600 });
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
