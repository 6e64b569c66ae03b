import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  lstatSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cloneWorkspace, diffWorkspace, findRepository } from '../../../servers/worker/workspace/clone.ts';

let dir: string;
let repo: string;
const env = { PATH: process.env['PATH'] ?? '' };

function sh(args: string[], cwd = repo): string {
  return execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
    cwd,
    encoding: 'utf8',
  });
}

/**
 * Digest of every file, mode, link, name and time below a folder, `.git` included. (Git freshens the
 * times of objects it meets again, its own way of keeping them from being pruned.)
 */
function digest(folder: string): string {
  const hash = createHash('sha256');
  const visit = (path: string): void => {
    for (const name of readdirSync(path).sort()) {
      const child = join(path, name);
      const stat = lstatSync(child);
      hash.update(
        `${child}\0${String(stat.mode)}\0${stat.isDirectory() || child.includes('/.git/objects/') ? '' : String(stat.mtimeMs)}\0`,
      );
      if (stat.isDirectory()) visit(child);
      else hash.update(stat.isSymbolicLink() ? readlinkSync(child) : readFileSync(child));
    }
  };
  visit(folder);
  return hash.digest('hex');
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fleet-ws-'));
  repo = join(dir, 'repo');
  mkdirSync(join(repo, 'sub'), { recursive: true });
  sh(['init', '-q', '-b', 'main']);
  writeFileSync(join(repo, 'a.txt'), 'one\ntwo\n');
  writeFileSync(join(repo, 'sub', 'b.txt'), 'b\n');
  writeFileSync(join(repo, '.gitignore'), 'ignored/\n');
  sh(['add', '-A']);
  sh(['commit', '-qm', 'first']);
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

async function clone(cwd = repo) {
  const repository = await findRepository(cwd, env);
  if (repository === undefined) throw new Error('no repository');
  return cloneWorkspace(repository, join(dir, 'runs', 'ws'), env);
}

async function diffOf(workspace: Awaited<ReturnType<typeof clone>>): Promise<string> {
  const chunks: Buffer[] = [];
  await diffWorkspace(workspace, env, (chunk) => chunks.push(chunk));
  return Buffer.concat(chunks).toString('latin1');
}

test('has no way back into the original: what it pushes goes nowhere', async () => {
  const { root } = await clone();
  const before = digest(repo);
  expect(() => sh(['push', '--quiet', 'origin', 'main:refs/heads/sneaked'], root)).toThrowError(/no-push/);
  expect(digest(repo)).toBe(before);
});

test('copies the tree as it stands and leaves the original untouched to the byte', async () => {
  writeFileSync(join(repo, 'a.txt'), 'one\r\nchanged\r\n');
  writeFileSync(join(repo, 'new file.txt'), 'untracked\n');
  writeFileSync(join(repo, 'staged.txt'), 'staged\n');
  sh(['add', 'staged.txt']);
  writeFileSync(join(repo, '.gitattributes'), '* text=auto eol=lf\n');
  symlinkSync('a.txt', join(repo, 'link'));
  chmodSync(join(repo, 'sub', 'b.txt'), 0o755);
  mkdirSync(join(repo, 'ignored'));
  writeFileSync(join(repo, 'ignored', 'x'), 'x');
  const before = digest(repo);

  const workspace = await clone(join(repo, 'sub'));
  expect(workspace.cwd).toBe(join(workspace.root, 'sub'));
  expect(readFileSync(join(workspace.root, 'a.txt'), 'utf8')).toBe('one\r\nchanged\r\n');
  expect(readFileSync(join(workspace.root, 'new file.txt'), 'utf8')).toBe('untracked\n');
  expect(readFileSync(join(workspace.root, 'staged.txt'), 'utf8')).toBe('staged\n');
  expect(readlinkSync(join(workspace.root, 'link'))).toBe('a.txt');
  expect(lstatSync(join(workspace.root, 'sub', 'b.txt')).mode & 0o111).not.toBe(0);
  expect(readdirSync(workspace.root)).not.toContain('ignored');
  expect(await diffOf(workspace)).toBe('');

  writeFileSync(join(workspace.root, 'a.txt'), 'rewritten\n');
  writeFileSync(join(workspace.root, 'bin'), Buffer.from([0, 255, 1, 254]));
  sh(['add', '-A'], workspace.root);
  sh(['commit', '-qm', 'work'], workspace.root);
  rmSync(join(workspace.root, 'new file.txt'));
  const diff = await diffOf(workspace);
  expect(digest(repo)).toBe(before);

  const patch = join(dir, 'p.diff');
  writeFileSync(patch, diff, 'latin1');
  sh(['apply', '--check', patch]);
  sh(['apply', patch]);
  expect(readFileSync(join(repo, 'a.txt'), 'utf8')).toBe('rewritten\n');
  expect([...readFileSync(join(repo, 'bin'))]).toEqual([0, 255, 1, 254]);
  expect(readdirSync(repo)).not.toContain('new file.txt');
});

test('works in a repository without a commit, and in a linked work tree', async () => {
  const linked = join(dir, 'linked');
  sh(['worktree', 'add', '-q', '-b', 'other', linked]);
  writeFileSync(join(linked, 'a.txt'), 'linked\n');
  const workspace = await clone(linked);
  expect(readFileSync(join(workspace.root, 'a.txt'), 'utf8')).toBe('linked\n');
  rmSync(workspace.root, { recursive: true });

  const empty = join(dir, 'empty');
  mkdirSync(empty);
  sh(['init', '-q'], empty);
  writeFileSync(join(empty, 'only.txt'), 'only\n');
  const fresh = await clone(empty);
  expect(readFileSync(join(fresh.root, 'only.txt'), 'utf8')).toBe('only\n');
  expect(await diffOf(fresh)).toBe('');
});

test('runs no hook, filter or monitor a repository brings', async () => {
  const mark = join(dir, 'ran');
  const hook = join(repo, '.git', 'hooks', 'post-checkout');
  mkdirSync(join(repo, '.git', 'hooks'), { recursive: true });
  writeFileSync(hook, `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
  sh(['config', 'filter.evil.clean', `touch ${mark}; cat`]);
  sh(['config', 'filter.evil.smudge', `touch ${mark}; cat`]);
  sh(['config', 'core.fsmonitor', `touch ${mark}; echo`]);
  writeFileSync(join(repo, '.gitattributes'), '*.txt filter=evil\n');
  const workspace = await clone();
  writeFileSync(join(workspace.root, 'a.txt'), 'x\n');
  await diffOf(workspace);
  expect(readdirSync(dir)).not.toContain('ran');
});

/** A filter that leaves a mark, and a file that is to be compared by content. */
function bait(folder: string, mark: string): void {
  sh(['config', 'filter.evil.clean', `touch ${mark}; cat`], folder);
  writeFileSync(
    resolve(folder, sh(['rev-parse', '--git-path', 'info/attributes'], folder).trim()),
    '* filter=evil\n',
  );
  utimesSync(join(folder, 'f'), 1, 1);
}

test('runs no filter that the configuration of a submodule names, be it the own one or one a run made', async () => {
  const mark = join(dir, 'ran');
  const inner = join(dir, 'inner');
  mkdirSync(inner);
  sh(['init', '-q'], inner);
  writeFileSync(join(inner, 'f'), 'f\n');
  sh(['add', 'f'], inner);
  sh(['commit', '-qm', 'inner'], inner);
  sh(['-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', inner, 'module']);
  sh(['commit', '-qam', 'module']);
  bait(join(repo, 'module'), mark);
  const workspace = await clone();
  const module = join(workspace.root, 'module');
  sh(['clone', '-q', inner, module], dir);
  bait(module, mark);
  expect(await diffOf(workspace)).toBe('');
  expect(readdirSync(dir)).not.toContain('ran');
  // The bait is real.
  sh(['add', '-A'], workspace.root);
  expect(readdirSync(dir)).toContain('ran');
  sh(['commit', '-q', '--allow-empty', '-m', 'more'], module);
  expect(await diffOf(workspace)).toContain('+Subproject commit');
});

test('says when a folder is in no repository', async () => {
  const plain = join(dir, 'plain');
  mkdirSync(plain);
  expect(await findRepository(plain, env)).toBeUndefined();
});

test('copies a shallow repository, and one whose exclude file hides a folder', async () => {
  writeFileSync(join(repo, 'a.txt'), 'second\n');
  sh(['commit', '-qam', 'second']);
  const full = repo;
  repo = join(dir, 'shallow');
  sh(['clone', '-q', '--depth', '1', `file://${full}`, repo], dir);
  writeFileSync(join(repo, '.git', 'info', 'exclude'), 'private/\n');
  mkdirSync(join(repo, 'private'));
  writeFileSync(join(repo, 'private', 'x'), 'x');
  writeFileSync(join(repo, 'a.txt'), 'dirty\n');
  const workspace = await clone();
  expect(readdirSync(workspace.root).sort()).toEqual(['.git', '.gitignore', 'a.txt', 'sub']);
  expect(readFileSync(join(workspace.root, 'a.txt'), 'utf8')).toBe('dirty\n');
  writeFileSync(join(workspace.root, 'a.txt'), 'changed\n');
  expect(await diffOf(workspace)).toContain('-dirty\n+changed\n');
});

test('leaves an empty submodule in peace, and names a folder that became a repository', async () => {
  const inner = join(dir, 'inner');
  mkdirSync(inner);
  sh(['init', '-q'], inner);
  sh(['commit', '-q', '--allow-empty', '-m', 'inner'], inner);
  sh(['-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', inner, 'module']);
  sh(['commit', '-qam', 'module']);
  const workspace = await clone();
  expect(await diffOf(workspace)).toBe('');
  const grown = join(workspace.root, 'grown');
  mkdirSync(grown);
  sh(['init', '-q'], grown);
  sh(['commit', '-q', '--allow-empty', '-m', 'grown'], grown);
  expect(await diffWorkspace(workspace, env, () => undefined)).toEqual(['grown']);
});

test('writes nothing where links lead that a run left in its copy', async () => {
  const inner = join(dir, 'inner');
  mkdirSync(inner);
  sh(['init', '-q'], inner);
  sh(['commit', '-q', '--allow-empty', '-m', 'inner'], inner);
  sh(['-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', inner, 'module']);
  sh(['commit', '-qam', 'module']);
  const kept = join(dir, 'kept');
  writeFileSync(kept, 'mine\n');
  const workspace = await clone();
  writeFileSync(join(workspace.root, 'a.txt'), 'changed\n');
  const gitDir = join(workspace.root, '.git');
  for (const name of ['info/attributes', 'codex-fleet-index', 'codex-fleet-index-paths']) {
    rmSync(join(gitDir, name), { force: true });
    symlinkSync(kept, join(gitDir, name));
    expect(await diffOf(workspace), name).toContain('+changed');
    expect(readFileSync(kept, 'utf8'), name).toBe('mine\n');
  }
  const elsewhere = join(dir, 'elsewhere');
  for (const name of ['info', 'objects', '.']) {
    rmSync(elsewhere, { recursive: true, force: true });
    mkdirSync(elsewhere);
    rmSync(join(gitDir, name === '.' ? '' : name), { recursive: true, force: true });
    symlinkSync(elsewhere, join(gitDir, name === '.' ? '' : name).replace(/\/$/, ''));
    await expect(diffOf(workspace), name).rejects.toThrow('no folder');
    expect(readdirSync(elsewhere), name).toEqual([]);
    rmSync(join(gitDir, name === '.' ? '' : name).replace(/\/$/, ''));
    if (name !== '.') mkdirSync(join(gitDir, name));
  }
});

test('stops half-way when it is told to', async () => {
  const repository = await findRepository(repo, env);
  if (repository === undefined) throw new Error('no repository');
  const over = AbortSignal.abort();
  await expect(cloneWorkspace(repository, join(dir, 'ws'), env, over)).rejects.toThrow('git clone failed');
});
