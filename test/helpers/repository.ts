import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
    cwd,
    encoding: 'utf8',
  });
}

/** A repository with one commit, a staged, a changed, an untracked and an ignored file, and a stash. */
export function makeRepository(folder: string, files: Readonly<Record<string, string>> = {}): string {
  mkdirSync(folder, { recursive: true });
  git(folder, 'init', '-q', '-b', 'main');
  write(folder, { 'README.md': 'one\ntwo\nthree\n', 'src/a.txt': 'a\n', '.gitignore': 'out/\n', ...files });
  git(folder, 'add', '-A');
  git(folder, 'commit', '-qm', 'first');
  write(folder, { 'src/a.txt': 'stashed\n' });
  git(folder, 'stash', '-q');
  write(folder, { 'staged.txt': 'staged\n' });
  git(folder, 'add', 'staged.txt');
  write(folder, {
    'README.md': 'one\ntwo, changed\nthree\n',
    'notes.txt': 'untracked\n',
    'out/x.bin': 'ignored\n',
  });
  return folder;
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/**
 * Digest of every file, mode, link, name and time below a folder, `.git` included. (Git freshens the
 * times of objects it meets again, its own way of keeping them from being pruned.)
 */
export function treeDigest(folder: string): string {
  const hash = createHash('sha256');
  const visit = (path: string): void => {
    for (const name of readdirSync(path).sort()) {
      const child = join(path, name);
      const stat = lstatSync(child);
      const timed = !stat.isDirectory() && !child.includes('/.git/objects/');
      hash.update(`${child}\0${String(stat.mode)}\0${timed ? String(stat.mtimeMs) : ''}\0`);
      if (stat.isDirectory()) visit(child);
      else hash.update(stat.isSymbolicLink() ? readlinkSync(child) : readFileSync(child));
    }
  };
  visit(folder);
  return hash.digest('hex');
}
