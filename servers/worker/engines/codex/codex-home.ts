import {
  copyFile,
  cp,
  mkdir,
  readFile,
  readdir,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { FleetError } from '../../../../core/errors.ts';
import { foldersAboveHidden } from '../../runner/confinement.ts';
import { privatePlaces } from '../../sandbox/private-places.ts';
import type { CommandPolicy } from '../../../../schemas/pipeline.ts';
import { forbiddingRules } from './forbidding-rules.ts';
import { hiddenBeside } from './hidden-places.ts';
import { captureScript } from './output-capture.ts';
import { isInside, permissionProfile, toolFolders } from './permission-profile.ts';
import { runConfigToml } from './quiet-config.ts';
import { repositoryFolders } from './repository-folders.ts';
import type { CarriedConfig } from './user-config.ts';

export interface HomeInput {
  /** Private to the run, 0700, not under TMPDIR: Codex refuses to work from there. */
  homeDir: string;
  tmpDir: string;
  cwd: string;
  env: Readonly<Record<string, string>>;
  packagePath: string;
  carried: CarriedConfig;
  /** The signed-in user's CODEX_HOME. */
  userHome: string;
  authFile: string | undefined;
  readOnly: boolean;
  maxOutputBytes: number;
  /** Whether commands run in Codex's sandbox. */
  sandboxed: boolean;
  /** How commands are decided on. */
  commands: CommandPolicy;
  /** See ProfileFolders. */
  mayEscalate: boolean;
  /** The fleet's own state and configuration. */
  ours: readonly string[];
}

export interface CodexHome {
  /** CODEX_HOME of the process. */
  dir: string;
  /** Where commands leave a copy of what they print, see captureScript(). */
  outputDir: string;
}

/** Lays out what one attempt's Codex process finds on disk. The same run's next attempt finds its threads. */
export async function prepareHome(input: HomeInput): Promise<CodexHome> {
  const cwd = await realpath(input.cwd);
  if (isInside(await realpath(input.homeDir), cwd)) {
    throw new FleetError('CWD_NOT_ALLOWED', `The fleet keeps its own state inside ${input.cwd}.`, {
      next: 'Name a folder below it, or move the state folder by CODEX_FLEET_STATE_DIR.',
    });
  }
  const dir = join(input.homeDir, 'codex');
  const userDir = join(input.homeDir, 'user');
  const outputDir = join(input.homeDir, 'output');
  await rm(outputDir, { recursive: true, force: true });
  for (const folder of [dir, userDir, outputDir]) await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(userDir, '.bashrc'), captureScript(outputDir, input.maxOutputBytes), { mode: 0o600 });
  await writeFile(join(dir, 'config.toml'), '', { mode: 0o600 });
  await linkSignIn(dir, input.authFile);
  await carryFiles(input.userHome, dir, input.commands);

  const path = commandPath(input.env['PATH'] ?? '');
  const home = input.env['HOME'] ?? '/';
  const repository = await repositoryFolders(cwd, home);
  // The work tree around a run that works in a part of it; a folder above that would show too much.
  const around = repository.top === undefined || repository.top === cwd ? [] : [repository.top];
  const beside = [...toolFolders(path, home), ...repository.outside].filter(
    (folder) => !isInside(cwd, folder),
  );
  const readable = await existing([...beside, ...around]);
  const writable = [input.tmpDir, userDir, outputDir];
  const needed = [cwd, join(dir, 'tmp'), input.packagePath, ...readable, ...writable];
  const secret = privatePlaces(home, [input.userHome, ...input.ours]);
  // Where nothing can be granted, what is not named is out of sight; of the system, /etc is named.
  const isSeen = (path: string): boolean =>
    ['/etc', cwd, ...readable, ...writable].some((folder) => isInside(path, folder));
  const hidden = await hiddenBeside(input.mayEscalate ? [dir, ...secret] : secret.filter(isSeen), needed);
  const pinned = input.readOnly ? [] : foldersAboveHidden({ writable: [cwd], readable, hidden });
  const profile = permissionProfile({
    codexHome: dir,
    packagePath: input.packagePath,
    workspace: input.readOnly ? 'read' : 'write',
    readable,
    writable: [...writable, ...pinned],
    hidden,
    mayEscalate: input.mayEscalate,
  });
  const toml = runConfigToml({
    settings: input.carried.settings,
    profile: input.sandboxed ? profile : undefined,
    commandEnv: commandEnvironment(input, path, userDir),
    untrusted: [...new Set([input.cwd, cwd, ...around])],
  });
  await writeFile(join(dir, 'config.toml'), toml, { mode: 0o600 });
  return { dir, outputDir };
}

/** Only whole paths: a relative PATH entry would run what the workspace holds. */
function commandPath(path: string): string {
  return path.split(':').filter(isAbsolute).join(':');
}

/** What commands see: never our own environment, which holds the provider's credential. */
function commandEnvironment(input: HomeInput, path: string, userDir: string): Record<string, string> {
  const { PATH: _path, HOME: _home, ...rest } = input.env;
  return { ...rest, PATH: path, HOME: userDir, TMPDIR: input.tmpDir };
}

/** In place, never a copy: Codex rotates the tokens in it, and writes through the link. */
async function linkSignIn(dir: string, authFile: string | undefined): Promise<void> {
  const link = join(dir, 'auth.json');
  await rm(link, { force: true });
  if (authFile !== undefined) await symlink(authFile, link);
}

/** The user's standing instructions and command rules; under `allow-list` only what those forbid. */
async function carryFiles(userHome: string, dir: string, commands: CommandPolicy): Promise<void> {
  for (const name of ['AGENTS.md', 'AGENTS.override.md']) {
    await rm(join(dir, name), { force: true });
    await copyFile(join(userHome, name), join(dir, name)).catch(ignoreMissing);
  }
  await rm(join(dir, 'rules'), { recursive: true, force: true });
  const rules = join(userHome, 'rules');
  if (commands === 'sandboxed') {
    await cp(rules, join(dir, 'rules'), { recursive: true }).catch(ignoreMissing);
    return;
  }
  const names = await readdir(rules).catch(() => []);
  const files = names.filter((name) => name.endsWith('.rules')).sort();
  const texts = await Promise.all(files.map((name) => readFile(join(rules, name), 'utf8').catch(() => '')));
  const forbidden = texts.map(forbiddingRules).join('');
  if (forbidden === '') return;
  await mkdir(join(dir, 'rules'));
  await writeFile(join(dir, 'rules', 'default.rules'), forbidden);
}

function ignoreMissing(error: unknown): void {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
  throw error;
}

async function existing(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    const isThere = await stat(folder).then(
      () => true,
      () => false,
    );
    if (isThere) found.push(folder);
  }
  return found;
}
