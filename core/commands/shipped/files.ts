import { argumentRules, type WrittenRules } from '../argument-rules.ts';
import type { ProgramRules } from '../program-rules.ts';

/**
 * Programs that print what is in files. Left out are options that write (`sort -o`, `uniq IN OUT`,
 * `tree -o`), run a program (`sort --compress-program`, `rg --pre`, `--hostname-bin`, `-z`, `diff -l`),
 * or never end (`tail -f`).
 */
const context =
  '-A=number -B=number -C=number --after-context=number --before-context=number --context=number';
const written: Readonly<Record<string, WrittenRules>> = {
  ls: {
    options:
      '-a -A -l -h -R -r -t -S -1 -d -F -p -i -s -n -o -g -G -c -u -U -X -v -m -x -C -k -L -H -Q -N -B ' +
      '--all --almost-all --human-readable --recursive --reverse --directory --inode --size --full-time ' +
      '--group-directories-first --color[=any] --sort=any --time-style=any --classify --dereference',
  },
  cat: {
    options:
      '-n -b -s -A -e -E -t -T -v --number --number-nonblank --squeeze-blank --show-all --show-ends --show-tabs',
  },
  wc: { options: '-l -w -c -m -L --lines --words --bytes --chars --max-line-length' },
  head: { options: '-NUM -n=any -c=any -q -v -z --lines=any --bytes=any --quiet --verbose' },
  tail: { options: '-NUM -n=any -c=any -q -v -z --lines=any --bytes=any --quiet --verbose' },
  sort: {
    options:
      '-n -r -u -f -b -d -g -h -i -M -R -V -s -c -C -m -z -k=any -t=any --numeric-sort --reverse --unique ' +
      '--ignore-case --human-numeric-sort --version-sort --stable --key=any --field-separator=any --check',
  },
  uniq: {
    options: '-c -d -D -u -i -z -f=number -s=number -w=number --count --repeated --unique --ignore-case',
    maxOperands: 1,
  },
  cut: {
    options:
      '-b=any -c=any -d=any -f=any -s -z --bytes=any --characters=any --delimiter=any --fields=any --complement',
  },
  tr: { options: '-c -C -d -s -t --complement --delete --squeeze-repeats --truncate-set1', operands: 'any' },
  diff: {
    options:
      '-u -c -q -s -r -N -a -i -b -w -B -E -y -e -U=number -W=number --unified[=number] --brief --recursive --text ' +
      '--new-file --ignore-case --ignore-all-space --ignore-space-change --ignore-blank-lines --side-by-side ' +
      '--color[=any] --exclude=any',
  },
  cmp: { options: '-b -l -s -n=number --print-bytes --verbose --quiet --silent --bytes=number' },
  stat: { options: '-c=any -L -f -t --format=any --printf=any --dereference --terse' },
  du: {
    options:
      '-a -b -c -d=number -h -k -m -s -x --all --bytes --total --max-depth=number --human-readable --summarize',
  },
  basename: { options: '-a -s=any -z --multiple --suffix=any', operands: 'any' },
  dirname: { options: '-z --zero', operands: 'any' },
  pwd: { options: '-L -P', operands: 'none' },
  echo: { options: '-n -e -E', operands: 'any' },
  sha256sum: { options: '-b -t --binary --text --tag' },
  grep: {
    patternUnless: '-e --regexp -f --file',
    options:
      `-n -i -v -w -x -c -l -L -h -H -o -q -s -r -R -a -b -E -F -G -P -z -I -e=any -f=path -m=number -d=any ${context} ` +
      '--line-number --ignore-case --invert-match --word-regexp --line-regexp --count --files-with-matches ' +
      '--files-without-match --no-filename --with-filename --only-matching --quiet --no-messages --recursive ' +
      '--dereference-recursive --text --extended-regexp --fixed-strings --perl-regexp --regexp=any --file=path ' +
      '--max-count=number --include=any --exclude=any --exclude-dir=any --color[=any] --colour[=any] --null',
  },
  rg: {
    patternUnless: '-e --regexp -f --file --files --type-list',
    options:
      `-n -N -i -S -s -v -w -x -c -l -o -q -a -u -uu -uuu -F -P -U -L -H -I -p -0 -e=any -f=path -g=any -t=any -T=any ` +
      `-m=number -d=number -j=number -r=any -M=number ${context} --line-number --no-line-number --ignore-case ` +
      '--smart-case --case-sensitive --invert-match --word-regexp --line-regexp --count --count-matches ' +
      '--files-with-matches --files-without-match --only-matching --quiet --text --unrestricted --fixed-strings ' +
      '--pcre2 --multiline --multiline-dotall --follow --with-filename --no-filename --pretty --null --files ' +
      '--regexp=any --file=path --glob=any --iglob=any --type=any --type-not=any --type-list --max-count=number ' +
      '--max-depth=number --max-columns=number --max-filesize=any --threads=number --replace=any --hidden ' +
      '--no-ignore --no-ignore-vcs --no-ignore-parent --heading --no-heading --column --color=any --json --stats ' +
      '--sort=any --sortr=any --trim --vimgrep --no-config --no-messages --passthru --debug --version --one-file-system',
  },
};

export const fileRules: Readonly<Record<string, () => ProgramRules>> = Object.fromEntries(
  Object.entries(written).map(([name, rules]) => [
    name,
    () => ({ commands: undefined, plain: argumentRules(rules), obeysRepository: false }),
  ]),
);
