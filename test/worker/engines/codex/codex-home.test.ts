import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { prepareHome, type HomeInput } from '../../../../servers/worker/engines/codex/codex-home.ts';
import { toolFolders } from '../../../../servers/worker/engines/codex/permission-profile.ts';
import { repositoryFolders } from '../../../../servers/worker/engines/codex/repository-folders.ts';
import { signInFile } from '../../../../servers/worker/engines/codex/sign-in-state.ts';
import { carryOver } from '../../../../servers/worker/engines/codex/user-config.ts';
import { scratchFolder } from '../../../helpers/scratch.ts';

function input(changes: Partial<HomeInput> = {}): HomeInput & { root: string } {
  const root = scratchFolder();
  const [homeDir, tmpDir, cwd, userHome] = ['home', 'tmp', 'work', 'user/.codex'].map((name) =>
    join(root, name),
  );
  for (const folder of [homeDir, tmpDir, cwd, userHome]) mkdirSync(String(folder), { recursive: true });
  return {
    root,
    homeDir: String(homeDir),
    tmpDir: String(tmpDir),
    cwd: String(cwd),
    env: { PATH: '/usr/bin:.:/bin', HOME: join(root, 'user'), LANG: 'C' },
    packagePath: '/opt/codex',
    carried: carryOver(parse('model = "m"'), 'config.toml'),
    userHome: String(userHome),
    authFile: undefined,
    readOnly: false,
    maxOutputBytes: 1e9,
    sandboxed: true,
    mayEscalate: false,
    commands: 'sandboxed',
    ours: [],
    ...changes,
  };
}

describe("an attempt's home", () => {
  it('is private, quiet, and holds only what may be carried', async () => {
    const given = input();
    writeFileSync(join(given.userHome, 'AGENTS.md'), 'Be brief.');
    writeFileSync(join(given.userHome, 'auth.json'), '{}');
    mkdirSync(join(given.userHome, 'rules'));
    writeFileSync(join(given.userHome, 'rules', 'default.rules'), 'x');
    const home = await prepareHome({ ...given, authFile: join(given.userHome, 'auth.json') });
    expect(statSync(home.dir).mode & 0o777).toBe(0o700);
    expect(statSync(join(home.dir, 'config.toml')).mode & 0o777).toBe(0o600);
    expect(lstatSync(join(home.dir, 'auth.json')).isSymbolicLink()).toBe(true);
    expect(readlinkSync(join(home.dir, 'auth.json'))).toBe(join(given.userHome, 'auth.json'));
    expect(readFileSync(join(home.dir, 'AGENTS.md'), 'utf8')).toBe('Be brief.');
    expect(readFileSync(join(home.dir, 'rules', 'default.rules'), 'utf8')).toBe('x');
    const userDir = join(given.homeDir, 'user');
    expect(parse(readFileSync(join(home.dir, 'config.toml'), 'utf8'))).toMatchObject({
      model: 'm',
      features: { unbounded_connection_retries: false, plugins: false },
      analytics: { enabled: false },
      shell_environment_policy: {
        inherit: 'none',
        set: { PATH: '/usr/bin:/bin', HOME: userDir, LANG: 'C', TMPDIR: given.tmpDir },
      },
      projects: { [given.cwd]: { trust_level: 'untrusted' } },
      default_permissions: 'fleet',
      permissions: {
        fleet: {
          filesystem: {
            ':minimal': 'read',
            ':workspace_roots': { '.': 'write' },
            [given.tmpDir]: 'write',
            [userDir]: 'write',
            [home.outputDir]: 'write',
            '/opt/codex': 'read',
          },
        },
      },
    });
  });

  it('is refused where a command could reach it', async () => {
    const given = input();
    await expect(prepareHome({ ...given, cwd: given.root })).rejects.toMatchObject({
      code: 'CWD_NOT_ALLOWED',
    });
  });

  it('forgets what the user took back since the last attempt', async () => {
    const given = input();
    const agents = join(given.userHome, 'AGENTS.md');
    writeFileSync(agents, 'Be brief.');
    const home = await prepareHome({ ...given, authFile: join(given.userHome, 'auth.json') });
    writeFileSync(agents, 'Be long.');
    await prepareHome(given);
    expect(readFileSync(join(home.dir, 'AGENTS.md'), 'utf8')).toBe('Be long.');
    expect(lstatSync(join(home.dir, 'auth.json'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('makes the workspace of a read-only pipeline unwritable, and names no sandbox where there is none', async () => {
    const readOnly = input({ readOnly: true });
    const home = await prepareHome(readOnly);
    expect(readFileSync(join(home.dir, 'config.toml'), 'utf8')).toContain('"." = "read"');
    await prepareHome({ ...readOnly, sandboxed: false });
    expect(readFileSync(join(home.dir, 'config.toml'), 'utf8')).not.toContain('default_permissions');
  });
});

it('lets no run rename what lies above something hidden in the workspace', async () => {
  const given = input();
  const at = (name: string): string => join(given.cwd, name);
  mkdirSync(at('deep/er/.codex'), { recursive: true });
  const filesystem = async (more: Partial<HomeInput>): Promise<unknown> => {
    const { dir } = await prepareHome({ ...given, userHome: at('deep/er/.codex'), ...more });
    return parse(readFileSync(join(dir, 'config.toml'), 'utf8'))['permissions'];
  };
  const hidden = { [at('deep/er/.codex')]: 'none' };
  const pinned = { [at('deep')]: 'write', [at('deep/er')]: 'write' };
  expect(await filesystem({})).toMatchObject({ fleet: { filesystem: { ...hidden, ...pinned } } });
  const readOnly = JSON.stringify(await filesystem({ readOnly: true }));
  expect([readOnly.includes(at('deep/er/.codex')), readOnly.includes(`${at('deep')}"`)]).toEqual([
    true,
    false,
  ]);
});

describe('a sign-in', () => {
  it('is used in place where there is one', async () => {
    const { userHome, carried } = input();
    writeFileSync(join(userHome, 'auth.json'), '{}');
    expect(await signInFile(userHome, carried)).toBe(join(userHome, 'auth.json'));
  });

  it('is not needed by a provider of its own', async () => {
    const own = carryOver(
      parse('model_provider = "a"\n[model_providers.a]\nbase_url = "http://a"'),
      'config.toml',
    );
    expect(await signInFile(input().userHome, own)).toBeUndefined();
  });

  it.each([
    ['', 'codex login'],
    ['cli_auth_credentials_store = "keyring"', 'cli_auth_credentials_store = "file"'],
    ['cli_auth_credentials_store = "auto"', 'cli_auth_credentials_store = "file"'],
  ])('is refused with the fix where it cannot be used (%s)', async (toml, next) => {
    await expect(signInFile(input().userHome, carryOver(parse(toml), 'config.toml'))).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      next: expect.stringContaining(next),
    });
  });
});

describe('what a sandboxed command may read besides', () => {
  it('is the PATH and single installations, not the folders secrets live in', () => {
    const path =
      '/home/j/.local/bin:/home/j/.cargo/bin:/home/j/.nvm/versions/node/v20/bin:/opt/x/bin:bin:/home/j:/';
    expect(toolFolders(path, '/home/j')).toEqual([
      '/home/j/.local/bin',
      '/home/j/.cargo/bin',
      '/home/j/.nvm/versions/node/v20/bin',
      '/home/j/.nvm/versions/node/v20',
      '/opt/x/bin',
      '/opt/x',
    ]);
  });

  it("is the repository a linked work tree or a shared clone belongs to, never the user's home", async () => {
    const root = scratchFolder();
    const [main, linked, clone] = ['main', 'linked/sub', 'clone'].map((name) => join(root, name));
    for (const folder of [
      `${String(main)}/.git/worktrees/l`,
      String(linked),
      `${String(clone)}/.git/objects/info`,
    ]) {
      mkdirSync(folder, { recursive: true });
    }
    writeFileSync(join(root, 'linked', '.git'), `gitdir: ${String(main)}/.git/worktrees/l\n`);
    writeFileSync(join(root, 'main', '.git', 'worktrees', 'l', 'commondir'), '../..\n');
    writeFileSync(
      join(root, 'clone', '.git', 'objects', 'info', 'alternates'),
      `${String(main)}/.git/objects\n`,
    );
    const none = join(root, 'none');
    expect(await repositoryFolders(String(linked), none)).toEqual({
      top: join(root, 'linked'),
      outside: [join(root, 'main', '.git', 'worktrees', 'l'), join(root, 'main', '.git')],
    });
    expect(await repositoryFolders(String(clone), none)).toEqual({
      top: clone,
      outside: [join(root, 'main', '.git', 'objects')],
    });
    symlinkSync(join(root, 'main', '.git'), join(root, '.git'));
    expect(await repositoryFolders(join(root, 'x'), root)).toEqual({ top: undefined, outside: [] });
  });
});
