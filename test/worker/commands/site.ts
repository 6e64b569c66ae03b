import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Site {
  root: string;
  work: string;
  evil: string;
}

/** A program that leaves its mark where MARK says, and a work tree full of ways to have it run. */
export function layOut(root: string): Site {
  const [work, out, bin] = [join(root, 'work'), join(root, 'out'), join(root, 'bin')];
  for (const folder of [work, out, bin, join(work, 'sub'), join(work, 'nested'), join(root, 'package')])
    mkdirSync(folder, { recursive: true });
  const evil = join(bin, 'git-evil');
  writeFileSync(evil, '#!/bin/sh\n: > "${MARK:-$0.mark}"\n', { mode: 0o755 });
  writeFileSync(join(out, 'secret'), 'TOPSECRET\n');
  const put = (files: Record<string, string>): void => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(work, name), text);
  };
  const git = (where: string, ...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: where,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const run = `require('node:child_process').execFileSync(process.env.EVIL)`;
  put({
    f: 'one\n',
    g: 'one\n',
    h: 'one\n',
    'ok.mjs': `export const ok = 1;\n`,
    'ok.ts': `export const ok = 1;\n`,
    'evil.cjs': run,
    'evil-plugin.mjs': `import c from 'node:child_process';\nc.execFileSync(process.env.EVIL);\n`,
    'evil.config.mjs': `import c from 'node:child_process';\nc.execFileSync(process.env.EVIL);\nexport default {};\n`,
    'package.json': JSON.stringify({ name: 'x', version: '1.0.0', scripts: { test: 'true', evil } }),
    '.gitmodules': '[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n',
    names: `${join(out, 'secret')}\0`,
    long: Array.from({ length: 20_000 }, (_, at) => `line ${String((at * 7919) % 20_000)}`).join('\n'),
  });
  writeFileSync(
    join(root, 'package', 'package.json'),
    JSON.stringify({ name: 'y', version: '1.0.0', scripts: { test: evil } }),
  );
  for (const folder of [join(work, 'sub'), join(work, 'nested')]) {
    git(folder, 'init', '-q', '--template=');
    writeFileSync(join(folder, 's'), 's\n');
    git(folder, 'add', 's');
    git(folder, 'commit', '-qm', 's');
    mkdirSync(join(folder, '.git', 'info'));
    writeFileSync(join(folder, '.git', 'info', 'attributes'), 's filter=inner\n');
    git(folder, 'config', 'filter.inner.clean', `${evil}; cat`);
    writeFileSync(join(folder, 's'), 't\n');
  }
  git(join(work, 'nested'), 'config', 'core.fsmonitor', evil);
  cpSync(join(work, 'nested', '.git'), join(root, 'other.git'), { recursive: true });
  git(work, 'init', '-q', '--template=');
  git(work, 'add', 'f', 'g', 'h', 'sub', '.gitmodules');
  git(work, 'commit', '-qm', 'one');
  put({ f: 'one\ntwo\n' });
  git(work, 'commit', '-qam', 'two');
  sign(git, work);
  mkdirSync(join(work, '.git', 'info'), { recursive: true });
  writeFileSync(join(work, '.git', 'info', 'attributes'), 'f diff=d\ng diff=t filter=d\n');
  for (const [name, value] of [
    ['diff.d.command', evil],
    ['diff.t.textconv', evil],
    ['filter.d.smudge', evil],
    ['gpg.program', evil],
    ['pretty.mine', '%G?'],
  ])
    git(work, 'config', name ?? '', value ?? '');
  put({ h: 'changed\n' });
  return { root, work, evil };
}

/** All that a repository can say to have programs run by looking at it. */
export function arm({ work, evil }: Site): void {
  const settings = {
    'core.fsmonitor': evil,
    'core.hooksPath': join(work, '..', 'hooks'),
    'diff.external': evil,
    'filter.d.clean': evil,
    'filter.d.process': evil,
    'format.pretty': '%G?',
    'log.showSignature': 'true',
    'gpg.ssh.program': evil,
    'submodule.recurse': 'true',
    'status.submoduleSummary': 'true',
  };
  for (const [name, value] of Object.entries(settings))
    execFileSync('git', ['config', name, value], { cwd: work });
  mkdirSync(join(work, '..', 'hooks'));
  cpSync(evil, join(work, '..', 'hooks', 'post-index-change'));
  for (const name of ['f', 'g']) writeFileSync(join(work, name), 'changed by somebody\n');
}

type Git = (where: string, ...args: string[]) => string;

/** Gives the last commit a signature, which only a program can look at. */
function sign(git: Git, work: string): void {
  const commit = execFileSync('git', ['cat-file', 'commit', 'HEAD'], { cwd: work, encoding: 'utf8' });
  const signature = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n';
  const id = execFileSync('git', ['hash-object', '-t', 'commit', '-w', '--stdin'], {
    cwd: work,
    encoding: 'utf8',
    input: commit.replace('\n\n', `\n${signature}\n`),
  }).trim();
  git(work, 'update-ref', 'HEAD', id);
}
