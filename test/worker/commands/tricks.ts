/**
 * Ways to make allow-listed programs run code, or write or read outside of their folder, by arguments
 * alone. `EVIL` is a program that leaves a mark, `OUT` a folder outside, `SECRET` a file in it.
 */
export interface Trick {
  name: string;
  argv: string[];
  /** What a success leaves: the mark, a file in OUT, or the secret in what is printed. */
  by: 'mark' | 'file' | 'print';
}

const tricks = (by: Trick['by'], lines: Record<string, string | string[]>): Trick[] =>
  Object.entries(lines).map(([name, line]) => ({
    name,
    argv: typeof line === 'string' ? line.split(' ') : line,
    by,
  }));

/** In the repository that layOut() makes. */
export const gitTricks: Trick[] = [
  ...tricks('mark', {
    'a setting before the sub-command': 'git -c core.fsmonitor=EVIL status',
    'an alias that is a shell command': 'git -c alias.x=!EVIL x',
    'a setting by another option': 'git --config-env=core.fsmonitor=EVILVAR status',
    'programs from elsewhere': 'git --exec-path=BIN evil',
    'a pager for what was found': 'git grep --open-files-in-pager=EVIL one',
    'the same, short': 'git grep -OEVIL one',
    'an external diff': 'git log -p -1 --ext-diff',
    'a text conversion': 'git cat-file --textconv HEAD:g',
    'a filter': 'git cat-file --filters HEAD:g',
    'a program that checks signatures': 'git log -1 --show-signature',
    'a placeholder that does': 'git log -1 --format=%G?',
    'the same, with a modifier': 'git log -1 --format=%-G?',
    'a format of the repository': 'git log -1 --format=mine',
    'another program to fetch with': 'git fetch --upload-pack=EVIL . HEAD',
    'the same, to list': 'git ls-remote --upload-pack=EVIL .',
    'the same, abbreviated': 'git ls-remote --upload=EVIL .',
    'a transport that is a command': ['git', '-c', 'protocol.ext.allow=always', 'ls-remote', 'ext::EVIL %S'],
    'another archiver': 'git archive --remote=. --exec=EVIL HEAD',
    'a difference viewer': 'git difftool -y -x EVIL HEAD -- h',
    'a command in each submodule': 'git submodule foreach EVIL',
    'another repository': 'git --git-dir=EVILREPO --work-tree=. status',
    'another folder': 'git -C NESTED status',
    'a submodule looked into': 'git diff --ignore-submodules=none',
  }),
  ...tricks('file', {
    'output to a file': 'git log --output=OUT/x',
    'the same in a diff': 'git diff --output OUT/x',
    'the same in a show': 'git show --output=OUT/x HEAD',
    'a bundle': 'git bundle create OUT/x HEAD',
  }),
  ...tricks('print', {
    'a file outside': 'git diff --no-index SECRET f',
    'the same, unsaid': 'git diff ../out/secret f',
    'the same, as the lines to blame': 'git blame --contents SECRET f',
  }),
];

export const otherTricks: Trick[] = [
  ...tricks('mark', {
    'rg: a preprocessor': 'rg --pre=EVIL one f',
    'rg: the same, apart': 'rg --pre EVIL one f',
    'sort: a compressor': 'sort -S 1k --compress-program=EVIL long',
    'sort: the same, abbreviated': 'sort -S 1k --compress-prog EVIL long',
    'npm: exec': 'npm exec -c EVIL',
    'npm: a shell of its own': 'npm test --script-shell=EVIL',
    'npm: another folder': 'npm --prefix EVILPACKAGE test',
    'npm: a script nobody named': 'npm run evil',
    'node: code': ['node', '-e', 'require("node:child_process").execFileSync("EVIL")'],
    'node: code, printed': ['node', '-p', 'require("node:child_process").execFileSync("EVIL")'],
    'node: code of a URL': [
      'node',
      '--import=data:text/javascript,import{execFileSync}from"node:child_process";execFileSync("EVIL")',
      'ok.mjs',
    ],
    'node: a module ahead': 'node -r ./evil.cjs ok.mjs',
    'node: another file': 'node evil.cjs',
    'prettier: a plugin': 'prettier --plugin=./evil-plugin.mjs --check ok.mjs',
    'prettier: a configuration': 'prettier --config evil.config.mjs --check ok.mjs',
  }),
  ...tricks('file', {
    'sort: output to a file': 'sort -o OUT/x f',
    'sort: the same, attached': 'sort -nroOUT/x f',
    'sort: the same, abbreviated': 'sort --out=OUT/x f',
    'uniq: a second operand': 'uniq f OUT/x',
    'tsc: output': 'tsc --noLib --outDir OUT ok.ts',
  }),
  ...tricks('print', {
    'cat: a path outside': 'cat SECRET',
    'head: a way up': 'head ../out/secret',
    'grep: the whole tree above': 'grep -r TOPSECRET ..',
    'rg: a way up': 'rg --no-ignore TOPSECRET ../out',
    'diff: a path outside': 'diff f SECRET',
    'sort: files named in a file': 'sort --files0-from=names',
  }),
];

/** What the same rules let through, one for each program of the tricks. */
export const honest: string[][] = [
  'git log --oneline -2 -- f',
  'git status --short',
  'rg -n one f',
  'sort -rn -k 2 f',
  'uniq -c f',
  'npm test --silent',
  'node ok.mjs -e 0',
  'prettier --check ok.mjs',
  'tsc --noEmit ok.ts',
  'cat -n f',
  'head -n 3 f',
  'grep -rn one .',
  'diff -u f g',
].map((line) => line.split(' '));

/** The entries that all of this is measured by. */
export const entries = [
  ...['git', 'rg', 'sort', 'uniq', 'cat', 'head', 'grep', 'diff', 'tsc', 'prettier'].map((binary) => ({
    binary,
  })),
  { binary: 'npm', scripts: ['test'] },
  { binary: 'node', scripts: ['ok.mjs'] },
];
