import { argumentRules, type WrittenRules } from '../argument-rules.ts';
import type { ProgramRules } from '../program-rules.ts';

/**
 * Git, looking only. Left out on purpose: everything before the sub-command (`-c`, `--exec-path`, `-C`,
 * `--git-dir`), and what writes a file or runs a program: `--output`, `--ext-diff`, `--textconv`,
 * `--filters`, `-O` and `--open-files-in-pager`, `--show-signature`, `--no-index`, `--upload-pack`.
 */
const diff =
  '-p -u --patch -s --no-patch --stat[=any] --numstat --shortstat --summary --name-only --name-status --raw ' +
  '--check --full-index --binary -z -w -b -a --text --minimal --patience --histogram --word-diff[=plain|none] ' +
  '--color[=always|never|auto] --no-color --no-ext-diff --no-textconv -U=number --unified=number ' +
  '-M -C --find-renames[=any] --no-renames --find-copies[=any] -R --relative[=path] --diff-filter=any ' +
  '--ignore-all-space --ignore-space-change --ignore-blank-lines --exit-code --quiet --abbrev[=number] ' +
  '--no-prefix --dirstat[=any] --compact-summary --function-context -W ' +
  '--ignore-submodules[=all|dirty]';
const history =
  '-NUM -n=number --max-count=number --skip=number --since=any --after=any --until=any --before=any ' +
  '--author=any --committer=any --grep=any -i -E -F --all-match --invert-grep --all --branches[=any] ' +
  '--tags[=any] --remotes[=any] --merges --no-merges --first-parent --reverse --date-order --topo-order ' +
  '--author-date-order --date=any --left-right --cherry-pick --left-only --right-only --ancestry-path';
const shown =
  '--oneline --decorate[=any] --no-decorate --graph --format=format --pretty[=format] --abbrev-commit ' +
  '--no-abbrev-commit --parents --children -S=any -G=any -L=any --follow --full-diff --cc -m --notes --no-notes';
const plainDiff = ['--no-ext-diff', '--no-textconv'];
/** A submodule has a configuration of its own, which nobody has read. */
const ownTree = '--ignore-submodules=dirty';

/** Not by `signature`, which would have to be checked. */
const sort =
  'refname|-refname|committerdate|-committerdate|authordate|-authordate|creatordate|-creatordate|taggerdate|-taggerdate';

const written: Readonly<Record<string, WrittenRules>> = {
  status: {
    options:
      '-s --short -b --branch --show-stash --porcelain[=v1|v2] --long -v -z -u --untracked-files[=no|normal|all] ' +
      '--ignored[=traditional|no|matching] --ahead-behind --no-ahead-behind --no-renames ' +
      '--ignore-submodules[=all|dirty]',
    added: [ownTree],
  },
  log: { options: `${diff} ${history} ${shown}`, added: plainDiff },
  show: { options: `${diff} ${history} ${shown}`, added: plainDiff },
  whatchanged: { options: `${diff} ${history} ${shown}`, added: plainDiff },
  diff: { options: `${diff} --cached --staged --merge-base`, added: [...plainDiff, ownTree] },
  'diff-tree': { options: `${diff} -r -t --root --no-commit-id`, added: plainDiff },
  'rev-list': { options: `${history} --count --objects --oneline --format=format --pretty[=format]` },
  'rev-parse': {
    options:
      '--verify -q --quiet --short[=number] --abbrev-ref[=any] --show-toplevel --show-prefix --show-cdup ' +
      '--git-dir --git-common-dir --is-inside-work-tree --is-bare-repository --symbolic-full-name --all ' +
      '--is-shallow-repository --show-superproject-working-tree',
  },
  'ls-files': {
    options:
      '-c --cached -o --others -i --ignored -s --stage -u --unmerged -z -t -v --exclude-standard --directory ' +
      '--no-empty-directory --full-name --abbrev[=number] --error-unmatch -d --deleted -k --killed --eol',
  },
  'ls-tree': {
    options: '-d -r -t -l --long -z --name-only --name-status --full-name --full-tree --abbrev[=number]',
  },
  'cat-file': { options: '-t -s -p -e' },
  'merge-base': { options: '-a --all --octopus --independent --is-ancestor --fork-point' },
  'name-rev': { options: '--tags --name-only --always --all' },
  describe: {
    options:
      '--all --tags --contains --always --long --abbrev[=number] --match=any --exclude=any --exact-match',
  },
  shortlog: { options: `${history} -s -e --summary --email --group=author|committer` },
  'for-each-ref': {
    options: `--format=format --sort=${sort} --count=number --points-at=any --merged[=any] --no-merged[=any] --contains[=any]`,
  },
  'show-ref': {
    options: '--heads --tags --head -s --hash[=number] --abbrev[=number] -d --verify -q --quiet',
  },
  branch: {
    options:
      '-l --list -a --all -r --remotes -v -vv --show-current --no-color --merged[=any] --no-merged[=any]',
    operands: 'none',
  },
  tag: {
    options: `-l --list -n --sort=${sort} --merged[=any] --no-merged[=any] --no-color`,
    operands: 'none',
  },
  blame: {
    options:
      '-L=any -s -e -w -l -t -p --porcelain --line-porcelain --incremental -b --root -f --date=any --no-textconv',
    added: ['--no-textconv'],
  },
  grep: {
    patternUnless: '-e',
    options:
      '-n -i -w -v -l -L -c -h -H -o -p -W -E -F -G -P -z -q -e=any -A=number -B=number -C=number ' +
      '--line-number --ignore-case --word-regexp --invert-match --files-with-matches --count --cached ' +
      '--untracked --fixed-strings --extended-regexp --perl-regexp --heading --break --color[=any] --no-color ' +
      '--max-depth=number --and --or --not --all-match --only-matching --no-textconv',
  },
  'count-objects': { options: '-v -H', operands: 'none' },
};

/** Made when it is asked for: most processes never are. */
export function gitRules(): ProgramRules {
  const short = 'attached';
  return {
    commands: new Map(
      Object.entries(written).map(([name, rules]) => [name, argumentRules({ ...rules, short })]),
    ),
    plain: argumentRules({ options: '--version', operands: 'none', required: ['--version'] }),
    obeysRepository: true,
  };
}
