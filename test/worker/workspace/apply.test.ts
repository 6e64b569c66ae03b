import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyPatch } from '../../../servers/worker/workspace/apply.ts';

let dir: string;
let top: string;
const env = { PATH: process.env['PATH'] ?? '' };

function sh(...args: string[]): string {
  const who = ['-c', 'user.email=a@b', '-c', 'user.name=a'];
  return execFileSync('git', [...who, ...args], { cwd: top, encoding: 'utf8' });
}

function file(name: string): string {
  return join(top, name);
}

/** The difference `change` makes, as a patch; the tree is as before. */
function patchOf(change: () => void): string {
  change();
  sh('add', '--all');
  const patch = join(dir, 'run.diff');
  writeFileSync(patch, sh('diff', '--cached', '--binary', '--full-index'));
  sh('reset', '--quiet', '--hard');
  return patch;
}

function apply(patch: string, more: { cwd?: string; checkOnly?: boolean } = {}): Promise<string[]> {
  return applyPatch({ file: patch, cwd: top, env, checkOnly: false, ...more });
}

function commit(name: string, content: string): void {
  writeFileSync(file(name), content);
  sh('add', '--all');
  sh('commit', '--quiet', '-m', name);
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fleet-apply-'));
  top = join(dir, 'repo with space');
  mkdirSync(join(top, 'deep'), { recursive: true });
  sh('init', '--quiet');
  commit('f', '1\n2\n3\n4\n5\n6\n7\n8\n9\n');
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe('a patch', () => {
  it('is applied byte by byte: no filter of the repository is run', async () => {
    const patch = patchOf(() => {
      writeFileSync(file('f'), '1\n2\nthree\n4\n5\n6\n7\n8\n9\n');
    });
    const mark = join(dir, 'ran');
    for (const way of ['clean', 'smudge']) sh('config', `filter.evil.${way}`, `touch '${mark}'; cat`);
    writeFileSync(file('.git/info/attributes'), '* filter=evil\n');
    await apply(patch);
    expect(existsSync(mark)).toBe(false);
    expect(readFileSync(file('f'), 'utf8')).toContain('three');
    sh('checkout', '--', 'f');
    sh('apply', patch);
    expect(existsSync(mark)).toBe(true);
  });

  it('is applied to the whole repository from any folder of it, and the index stays as it was', async () => {
    const patch = patchOf(() => {
      writeFileSync(file('f'), '1\n2\nthree\n4\n5\n6\n7\n8\n9\n');
      writeFileSync(file('new'), 'n\n');
    });
    expect(await apply(patch, { cwd: join(top, 'deep') })).toEqual(['f', 'new']);
    expect(readFileSync(file('f'), 'utf8')).toContain('three');
    expect(sh('status', '--porcelain')).toBe(' M f\n?? new\n');
  });

  it('is only checked where asked', async () => {
    const patch = patchOf(() => writeFileSync(file('f'), 'all new\n'));
    expect(await apply(patch, { checkOnly: true })).toEqual(['f']);
    expect(sh('status', '--porcelain')).toBe('');
  });

  it('goes onto changes of your own that it was made from', async () => {
    writeFileSync(file('f'), '1\nmine\n3\n4\n5\n6\n7\n8\n9\n');
    const before = sh('stash', 'create').trim();
    writeFileSync(file('f'), '1\nmine\n3\n4\n5\n6\n7\n8\nnine\n');
    const patch = join(dir, 'dirty.diff');
    writeFileSync(patch, sh('diff', '--binary', '--full-index', before));
    writeFileSync(file('f'), '1\nmine\n3\n4\n5\n6\n7\n8\n9\n');
    expect(await apply(patch)).toEqual(['f']);
    expect(readFileSync(file('f'), 'utf8')).toBe('1\nmine\n3\n4\n5\n6\n7\n8\nnine\n');
  });

  it('may be binary, rename, and have names with spaces and tabs', async () => {
    commit('old name', 'a line that stays\n'.repeat(20));
    const bytes = Buffer.from([0, 1, 2, 255, 0, 10, 13, 10]);
    const patch = patchOf(() => {
      sh('mv', 'old name', 'new\tname');
      writeFileSync(file('image'), bytes);
    });
    expect(readFileSync(patch, 'utf8')).toContain('rename from');
    expect((await apply(patch)).toSorted()).toEqual(['image', 'new\tname']);
    expect(() => readFileSync(file('old name'))).toThrow();
    expect(readFileSync(file('image'))).toEqual(bytes);
    expect(readFileSync(file('new\tname'), 'utf8')).toHaveLength(18 * 20);
  });

  it('is merged where the file has changed elsewhere since', async () => {
    const patch = patchOf(() => writeFileSync(file('f'), '1\n2\n3\n4\n5\n6\n7\n8\nnine\n'));
    commit('f', 'one\n2\n3\n4\n5\n6\n6.5\n6.6\n7\n8\n9\n');
    expect(await apply(patch)).toEqual(['f']);
    expect(readFileSync(file('f'), 'utf8')).toBe('one\n2\n3\n4\n5\n6\n6.5\n6.6\n7\n8\nnine\n');
  });
});

describe('a patch that does not fit', () => {
  it.each([false, true])('is refused, and nothing at all is changed (check only: %s)', async (checkOnly) => {
    const patch = patchOf(() => {
      writeFileSync(file('f'), '1\n2\nthree\n4\n5\n6\n7\n8\n9\n');
      writeFileSync(file('new'), 'n\n');
    });
    commit('f', '1\n2\nDREI\n4\n5\n6\n7\n8\n9\n');
    writeFileSync(file('mine'), 'kept\n');
    const index = readFileSync(file('.git/index'));
    const refusal = await apply(patch, { checkOnly }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining("'f' with conflicts"),
    });
    expect(readFileSync(file('f'), 'utf8')).toBe('1\n2\nDREI\n4\n5\n6\n7\n8\n9\n');
    expect(sh('status', '--porcelain')).toBe('?? mine\n');
    expect(readFileSync(file('.git/index')).equals(index)).toBe(true);
  });

  it('is refused where your own changes are in its way', async () => {
    const patch = patchOf(() => writeFileSync(file('f'), '1\n2\nthree\n4\n5\n6\n7\n8\n9\n'));
    writeFileSync(file('f'), '1\n2\nmine\n4\n5\n6\n7\n8\n9\n');
    await expect(apply(patch)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('f:'),
    });
    expect(readFileSync(file('f'), 'utf8')).toContain('mine');
  });

  it.each(['../out', '.git/hooks/post-checkout', 'link/out'])('cannot write to %s', async (name) => {
    execFileSync('ln', ['-s', dir, file('link')]);
    const patch = join(dir, 'evil.diff');
    writeFileSync(patch, `--- /dev/null\n+++ b/${name}\n@@ -0,0 +1 @@\n+evil\n`);
    await expect(apply(patch)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(sh('status', '--porcelain')).toBe('?? link\n');
    expect(() => readFileSync(join(dir, 'out'))).toThrow();
  });

  it('is named as none where it is none', async () => {
    const patch = join(dir, 'none.diff');
    writeFileSync(patch, 'hello\n');
    await expect(apply(patch)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('needs a repository', async () => {
    const patch = patchOf(() => writeFileSync(file('f'), 'x\n'));
    await expect(apply(patch, { cwd: dir })).rejects.toMatchObject({ code: 'WRONG_STATE' });
  });
});
