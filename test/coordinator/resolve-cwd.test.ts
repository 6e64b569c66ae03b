import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createFolderResolver, type Allowed } from '../../coordinator/handlers/resolve-cwd.ts';
import { scratchFolder } from '../helpers/scratch.ts';
import { fakeFleet } from './fake-fleet.ts';

let top: string;
let allowed: Allowed;

beforeEach(() => {
  top = realpathSync(scratchFolder());
  for (const folder of [
    'root/app/deep',
    'bridge/sub',
    'home/inside',
    'secret',
    'rootless',
    'state/workers',
  ]) {
    mkdirSync(join(top, folder), { recursive: true });
  }
  writeFileSync(join(top, 'root', 'file'), '');
  symlinkSync(join(top, 'secret'), join(top, 'root', 'out'));
  symlinkSync('..', join(top, 'root', 'up'));
  symlinkSync(join(top, 'root', 'app'), join(top, 'bridge', 'in'));
  symlinkSync('loop', join(top, 'root', 'loop'));
  symlinkSync(join(top, 'home'), join(top, 'root', 'home'));
  symlinkSync(join(top, 'root'), join(top, 'root-link'));
  allowed = {
    roots: [join(top, 'root'), join(top, 'missing root')],
    bridge: join(top, 'bridge'),
    home: join(top, 'home'),
    state: join(top, 'state'),
  };
});

async function resolve(folder: string, changes: Partial<Allowed> = {}): Promise<string | undefined> {
  const found = await createFolderResolver(() => 0)(new Set([folder]), { ...allowed, ...changes });
  return found.get(folder);
}

describe('a folder that may be worked in', () => {
  it.each([
    ['root', 'root'],
    ['root/app/', 'root/app'],
    ['root//app///', 'root/app'],
    ['root/app/../app/./deep', 'root/app/deep'],
    ['root/out/../root/app', 'root/app'],
    ['bridge', 'bridge'],
    ['bridge/sub/', 'bridge/sub'],
    ['bridge/in', 'root/app'],
    ['root-link/app', 'root/app'],
  ])('%s is known as %s', async (asked, real) => {
    expect(await resolve(`${top}/${asked}`)).toBe(join(top, real));
  });

  it('may lie under a root that is a link itself', async () => {
    const changes = { roots: [join(top, 'root-link')], bridge: undefined };
    expect(await resolve(join(top, 'root', 'app'), changes)).toBe(join(top, 'root', 'app'));
  });
});

describe('a folder that may not', () => {
  it.each([
    ['a sibling with the same beginning', 'rootless'],
    ['out of the root by dots', 'root/app/../../secret'],
    ['out of the root by a link', 'root/out'],
    ['out of the root by a link to above', 'root/up/secret'],
    ['a link to itself', 'root/loop'],
    ['a file', 'root/file'],
    ['a folder below a file', 'root/file/x'],
    ['a missing one', 'root/none'],
    ['the home folder', 'home'],
    ['the home folder behind a link', 'root/home'],
    ['the home folder with slashes', 'home///'],
    ['one with a NUL', 'root/app\0/deep'],
    ["the fleet's own", 'state/workers'],
  ])('%s', async (_what, asked) => {
    await expect(resolve(`${top}/${asked}`)).rejects.toMatchObject({ code: 'CWD_NOT_ALLOWED' });
  });

  it.each(['/', '//', '/.', '/proc/self/root'])(
    'the whole machine as %s, even where / is a root',
    async (asked) => {
      await expect(resolve(asked, { roots: ['/'] })).rejects.toMatchObject({ code: 'CWD_NOT_ALLOWED' });
    },
  );

  it('the home folder, where it is a root or what holds it is', async () => {
    for (const roots of [[join(top, 'home')], [top]]) {
      await expect(resolve(join(top, 'home'), { roots })).rejects.toThrow('home folder');
      await expect(resolve(top, { roots: [top] })).rejects.toThrow('home folder');
    }
    expect(await resolve(join(top, 'home', 'inside'), { roots: [join(top, 'home')] })).toBeDefined();
  });

  it('what only the bridge would have allowed, for a client that mounted a URL', async () => {
    const asked = join(top, 'bridge', 'sub');
    await expect(resolve(asked, { bridge: undefined })).rejects.toMatchObject({ code: 'CWD_NOT_ALLOWED' });
  });
});

describe('start_run', () => {
  it.each([
    ['without a folder', undefined],
    ['with a relative one', 'app'],
    ['with one above', '../app'],
    ['with an empty NUL', '\0'],
    ['with a home shorthand', '~/app'],
  ])('%s is INVALID_INPUT where nobody stands anywhere', async (_what, cwd) => {
    const fleet = await fakeFleet();
    const input = { pipeline: 'work', ...(cwd !== undefined && { cwd }) };
    await expect(fleet.tools.start_run(input, fleet.call)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('"cwd"'),
    });
  });

  it('names the folder of the wrong one of a batch, and starts none', async () => {
    const fleet = await fakeFleet();
    const runs = [{}, { cwd: 'app' }];
    await expect(
      fleet.tools.start_run({ pipeline: 'work', cwd: fleet.folder, runs }, fleet.call),
    ).rejects.toThrow('"runs[1].cwd"');
    const outside = [{}, { cwd: '/etc' }];
    await expect(
      fleet.tools.start_run({ pipeline: 'work', cwd: fleet.folder, runs: outside }, fleet.call),
    ).rejects.toMatchObject({ code: 'CWD_NOT_ALLOWED' });
    expect(await fleet.store.open()).toEqual([]);
  });

  it('keeps the folder as it really is', async () => {
    const fleet = await fakeFleet();
    mkdirSync(join(fleet.folder, 'app'));
    symlinkSync('app', join(fleet.folder, 'link'));
    const [id = ''] = await fleet.start(1, { cwd: join(fleet.folder, 'link') });
    expect((await fleet.run(id)).spec.cwd).toBe(join(realpathSync(fleet.folder), 'app'));
  });
});
