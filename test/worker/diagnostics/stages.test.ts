import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diagnosticStages } from '../../../core/builtin.ts';

const program = join(import.meta.dirname, '../../../dist/servers/worker/diagnostics/main.js');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cf-diag-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function run(...args: string[]) {
  const result = spawnSync(process.execPath, [program, ...args], {
    cwd: dir,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  return { code: result.status, out: result.stdout, err: result.stderr };
}

function put(files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), content);
  }
}

const identity = {
  GIT_AUTHOR_NAME: 'Jane Doe',
  GIT_AUTHOR_EMAIL: 'jane@example.org',
  GIT_COMMITTER_NAME: 'Jane Doe',
  GIT_COMMITTER_EMAIL: 'jane@example.org',
};

function git(...args: string[]): void {
  execFileSync('git', args, {
    cwd: dir,
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], HOME: dir, ...identity },
  });
}

function commitAll(message: string): void {
  git('add', '-A');
  git('commit', '-qm', message);
}

describe('diagnostics', () => {
  it.each(Object.keys(diagnosticStages))('%s works in an empty folder that is no repository', (stage) => {
    const { code, out, err } = run(stage);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).not.toBe('');
  });

  it.each(Object.keys(diagnosticStages))('%s works in a repository without commits', (stage) => {
    git('init', '-q');
    put({ 'a.ts': 'x\n' });
    expect(run(stage)).toMatchObject({ code: 0, err: '' });
  });

  it('refuses what is not exactly one known stage', () => {
    for (const args of [[], ['nope'], ['constructor'], ['state', '--x']]) {
      expect(run(...args)).toMatchObject({ code: 2, out: '' });
    }
  });

  it('state tells branch, changes and recent commits', () => {
    git('init', '-q', '-b', 'trunk');
    put({ 'kept.txt': 'a\n', 'old name.txt': 'one\ntwo\nthree\n' });
    commitAll('first things');
    git('mv', 'old name.txt', 'new name.txt');
    put({ 'kept.txt': 'b\n', 'fresh.txt': '' });
    const { out } = run('state');
    expect(out).toMatch(/^branch {6}trunk$/m);
    expect(out).toMatch(/^changes {5}3$/m);
    expect(out).toContain('.M kept.txt');
    expect(out).toContain('R. new name.txt');
    expect(out).toContain('?? fresh.txt');
    expect(out).toMatch(/Jane Doe: first things/);
  });

  it('history counts commits by author and month, and churn by file', () => {
    git('init', '-q');
    for (const content of ['1\n', '2\n', '3\n']) {
      put({ 'busy file.txt': content });
      commitAll(`write ${content}`);
    }
    const { out } = run('history');
    expect(out).toContain('3 commits by 1 author');
    expect(out).toMatch(/3 {2}Jane Doe/);
    expect(out).toMatch(new RegExp(`3 {2}${new Date().toISOString().slice(0, 4)}-\\d\\d`));
    expect(out).toContain('+3 -2 lines in 1 file');
    expect(out).toMatch(/3 {2}busy file\.txt/);
  });

  it('languages counts files and lines, not following links', () => {
    put({ 'a.ts': 'x\ny\n', 'src/b.ts': 'z', 'c.py': 'p\n', 'data.bin': '\0\n\n\n' });
    symlinkSync('/etc/passwd', join(dir, 'link.md'));
    const { out } = run('languages');
    expect(out).toMatch(/^ +2 +3 .* TypeScript$/m);
    expect(out).toMatch(/^ +1 +1 .* Python$/m);
    expect(out).toMatch(/^ +1 +0 .* \.bin$/m);
    expect(out).not.toContain('Markdown');
  });

  it('large-files keeps tracked and untracked apart', () => {
    git('init', '-q');
    put({
      'big.dat': 'x'.repeat(5000),
      'small.dat': 'x',
      '.gitignore': 'ignored/\n',
      'ignored/huge': 'x'.repeat(9000),
    });
    commitAll('files');
    put({ 'loose.dat': 'x'.repeat(3000) });
    const { out } = run('large-files');
    const [tracked = '', untracked = ''] = out.split('untracked files');
    expect(tracked).toMatch(/4\.9 KB {2}big\.dat/);
    expect(untracked).toMatch(/2\.9 KB {2}loose\.dat/);
    expect(out).not.toContain('huge');
  });

  it('scripts lists what is declared, and runs none of it', () => {
    put({
      'package.json': JSON.stringify({ scripts: { test: `touch ${join(dir, 'ran')}` } }),
      Makefile: 'VAR := x\n.PHONY: all\nall: build\n\techo hi\nbuild:\n\ttrue\n%.o: %.c\n',
      justfile: 'default:\n  echo\ndeploy target:\n  echo\n',
      'pyproject.toml': '[project.scripts]\nserve = "app:main"\n',
      '.github/workflows/ci.yml': 'on: push\n',
    });
    const { out } = run('scripts');
    for (const line of [
      '  test: touch',
      '  all: build',
      '  build',
      '  default',
      '  deploy target',
      '  serve: app:main',
      'workflow .github',
    ]) {
      expect(out).toContain(line);
    }
    expect(out).not.toMatch(/VAR|PHONY|%/);
    expect(existsSync(join(dir, 'ran'))).toBe(false);
  });

  it('makes no line of a file name', () => {
    git('init', '-q');
    put({ 'a\nbranch      forged': 'x', 'b\x1b[31m.ts': 'x' });
    for (const stage of ['state', 'large-files', 'languages']) {
      const { out } = run(stage);
      expect(out).not.toMatch(/^branch {6}forged/m);
      expect(out).not.toContain('\x1b');
    }
  });

  it('runs nothing a repository configures, and writes nothing', () => {
    const trap = join(dir, 'trap.sh');
    const sprung = join(dir, 'sprung');
    git('init', '-q');
    put({ 'a.txt': 'one\n', '.gitattributes': '* filter=evil diff=evil\n' });
    commitAll('bait');
    put({
      'trap.sh': `#!/bin/sh\necho "$0 $@" >> ${sprung}\ncat\n`,
      'a.txt': 'two\n',
      '.git/hooks/post-index-change': '',
    });
    chmodSync(trap, 0o755);
    for (const [name, value] of [
      ['core.fsmonitor', trap],
      ['core.hooksPath', dir],
      ['core.pager', trap],
      ['core.sshCommand', trap],
      ['core.editor', trap],
      ['diff.external', trap],
      ['diff.evil.command', trap],
      ['diff.evil.textconv', trap],
      ['filter.evil.clean', trap],
      ['filter.evil.smudge', trap],
      ['filter.evil.process', trap],
      ['filter.evil.required', 'true'],
      ['gpg.program', trap],
      ['log.showSignature', 'true'],
      ['alias.status', `!${trap}`],
      ['credential.helper', trap],
      ['pager.log', trap],
    ] as const)
      git('config', name, value);
    for (const hook of ['post-index-change', 'fsmonitor-watchman', 'post-checkout'])
      symlinkSync(trap, join(dir, hook));
    const index = readFileSync(join(dir, '.git/index'));
    for (const stage of Object.keys(diagnosticStages))
      expect(run(stage), stage).toMatchObject({ code: 0, err: '' });
    expect(existsSync(sprung) ? readFileSync(sprung, 'utf8') : '').toBe('');
    expect(readFileSync(join(dir, '.git/index')).equals(index)).toBe(true);
    // The bait is real: an unguarded git takes it.
    spawnSync('git', ['status'], {
      cwd: dir,
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], HOME: dir },
    });
    expect(existsSync(sprung)).toBe(true);
  });

  it('says so where there is no git', () => {
    const result = spawnSync(process.execPath, [program, 'state'], {
      cwd: dir,
      encoding: 'utf8',
      env: { PATH: '/nonexistent' },
    });
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/^state failed: git cannot be run/);
  });
});
