import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryFault, faultyEntry, judgeArgv } from '../../core/argv-policy.ts';
import { argumentRules } from '../../core/commands/argument-rules.ts';
import { shippedNames, shippedRules } from '../../core/commands/shipped/index.ts';
import { allowedCommand, type AllowedCommand } from '../../schemas/commands.ts';

const commands: AllowedCommand[] = [
  { argv: ['git', 'status'] },
  { argv: ['run-it', 'test', '...'] },
  { argv: ['...'] },
  { argv: ['echo', '...', 'end'] },
];

const entry = (written: unknown): AllowedCommand => allowedCommand.parse(written);
const isAllowed = (by: AllowedCommand[], argv: string[], cwd?: string): boolean =>
  'allowed' in judgeArgv(by, { argv, cwd });
const whyNot = (by: AllowedCommand[], argv: string[]): string => {
  const judged = judgeArgv(by, { argv, cwd: '/w' });
  return 'why' in judged ? (judged.why ?? 'no entry') : 'allowed';
};

describe('an exact entry', () => {
  it.each<[boolean, string[]]>([
    [true, ['git', 'status']],
    [false, ['git']],
    [false, ['git', 'status', '--short']],
    [false, ['git', 'Status']],
    [false, ['git', 'status ']],
    [false, ['/usr/bin/git', 'status']],
    [true, ['run-it', 'test']],
    [true, ['run-it', 'test', '--', 'x', '']],
    [false, ['run-it', 'run', 'test']],
    [false, ['run-it', 'test', 'a\0b']],
    [false, []],
    [false, ['anything']],
    [true, ['...']],
    [true, ['echo', '...', 'end']],
    [false, ['echo', 'a', 'end']],
  ])('%s: %j', (allowed, argv) => {
    expect(isAllowed(commands, argv)).toBe(allowed);
  });

  it('allows nothing by an empty list', () => {
    expect(isAllowed([], ['git', 'status'])).toBe(false);
  });

  it.each([
    ['sh', '...'],
    ['/bin/bash', '-c', '...'],
    ['/usr/bin/python3.11', '...'],
    ['node', '-e', '0', '...'],
    ['perl', '-n', '...'],
    ['env', 'ls', '...'],
    ['xargs', '...'],
    ['find', '.', '...'],
    ['sed', '-n', '...'],
    ['awk', '1', '...'],
    ['tar', 'cf', 'x.tar', '...'],
    ['git', 'log', '...'],
    ['npm', 'test', '...'],
    ['ssh', 'host', '...'],
    ['make', '...'],
  ])('with `...` for whoever runs what its arguments say allows nothing: %j', (...argv) => {
    expect(entryFault({ argv })).toContain('"trust_arguments": true');
    expect(isAllowed([{ argv }], [...argv.slice(0, -1), 'x'])).toBe(false);
    expect(whyNot([{ argv }], [...argv.slice(0, -1), 'x'])).toContain('run anything');
    expect(isAllowed([{ argv, trust_arguments: true }], [...argv.slice(0, -1), 'x'])).toBe(true);
  });

  it.each([
    ['sh', 'check.sh', '...'],
    ['node', 'a.mjs', '...'],
    ['ls', '...'],
    ['sh', '-c', 'exit 1'],
    ['own-tool', '...'],
  ])('is sound: %j', (...argv) => {
    expect(entryFault({ argv })).toBeUndefined();
  });
});

describe('an entry by name', () => {
  const git = [entry({ binary: 'git' })];
  const npm = [entry({ binary: 'npm', scripts: ['test', 'lint:fix'] })];
  const node = [entry({ binary: 'node', scripts: ['scripts/build.mjs'] })];
  const own = [
    entry({
      binary: 'forge',
      rules: { options: ['--fast', '--jobs=number', '--kind=a|b', '-NUM'], operands: 'paths' },
    }),
    entry({ binary: 'hub', rules: { commands: { list: { options: ['--all'], operands: 'none' } } } }),
  ];

  it.each<[AllowedCommand[], string]>([
    [git, 'git status --short'],
    [git, 'git log --oneline -5 -- src'],
    [git, 'git log -n 3 --format=%h main..topic'],
    [git, 'git log --pretty=fuller'],
    [git, 'git diff --stat HEAD~1 HEAD'],
    [git, 'git show HEAD:src/a.ts'],
    [git, 'git rev-parse --verify HEAD'],
    [git, 'git ls-files -z'],
    [git, 'git --version'],
    [git, 'git log -- --output=x'],
    [git, 'git diff -U5'],
    [git, 'git branch -vv'],
    [npm, 'npm test'],
    [npm, 'npm run lint:fix --silent'],
    [npm, 'npm ls --all'],
    [node, 'node scripts/build.mjs --anything -e 0'],
    [node, 'node --enable-source-maps scripts/build.mjs'],
    [node, 'node --version'],
    [own, 'forge --fast --jobs 4 --kind=b -3 src'],
    [own, 'hub list --all'],
    [[entry({ binary: 'rg' })], 'rg -n --glob=*.ts -C3 needle src'],
    [[entry({ binary: 'grep' })], 'grep -rn -- -x src'],
    [[entry({ binary: 'grep' })], 'grep -rn /api/users src'],
    [[entry({ binary: 'rg' })], 'rg -e /api ./src'],
    [git, 'git grep -n ../x src'],
    [git, 'git tag --sort=-creatordate'],
    [[entry({ binary: 'ls' })], 'ls -la /w/src'],
    [[entry({ binary: 'head' })], 'head -5 a'],
    [[entry({ binary: 'cat', anywhere: true })], 'cat /etc/hostname'],
    [[entry({ binary: 'tsc' })], 'tsc --noEmit -p tsconfig.json'],
  ])('%# lets %s pass', (by, line) => {
    expect(whyNot(by, line.split(' '))).toBe('allowed');
  });

  it.each<[AllowedCommand[], string, string]>([
    [git, 'git -c core.pager=x status', 'no option before its sub-command'],
    [git, 'git --exec-path=x status', 'no option before its sub-command'],
    [git, 'git push', 'status, log'],
    [git, 'git log --output=x', '"--output" is not among the options'],
    [git, 'git log --outpu=x', '"--outpu"'],
    [git, 'git grep -Ox y', '"-Ox"'],
    [git, 'git log --format=%G?', 'must not ask for signatures'],
    [git, 'git log --format=%-G?', 'must not ask for signatures'],
    [git, 'git log --pretty=mine', 'must not ask for signatures'],
    [git, 'git diff ../other/a b', 'leads out of the folder'],
    [git, 'git diff /etc/passwd b', 'leads out of the folder'],
    [git, 'git log -n', 'needs a value'],
    [git, 'git log -n --output=x', 'needs a value'],
    [git, 'git branch new', 'more than it may get'],
    [git, 'git diff --ignore-submodules=none', 'must be one of all, dirty'],
    [git, 'git for-each-ref --sort=signature', 'must be one of refname'],
    [git, 'git shortlog --group=format:%G? HEAD', 'must be one of author'],
    [git, 'git grep -e x ../y', 'leads out'],
    [[entry({ binary: 'grep' })], 'grep x /etc/passwd', 'leads out'],
    [[entry({ binary: 'grep' })], 'grep -ex /etc/passwd', 'leads out'],
    [[entry({ binary: 'rg' })], 'rg --files /etc', 'leads out'],
    [npm, 'npm run other', 'only where the entry names it: "scripts": ["other"]'],
    [npm, 'npm test -- --x', 'more than it may get'],
    [npm, 'npm test --script-shell=x', '"--script-shell"'],
    [npm, 'npm --prefix x test', 'no option before its sub-command'],
    [npm, 'npm exec x', 'is not among what its rules allow'],
    [node, 'node -e 0', '"-e"'],
    [node, 'node -r ./x scripts/build.mjs', '"-r"'],
    [node, 'node --import=./x scripts/build.mjs', '"--import"'],
    [node, 'node other.mjs', 'only where the entry names it'],
    [own, 'forge --slow', '(--fast --jobs --kind)'],
    [own, 'forge --jobs=x', 'must be a number'],
    [own, 'hub', 'is not among what its rules allow: list'],
    [[entry({ binary: 'rg' })], 'rg --pre x y', '"--pre"'],
    [[entry({ binary: 'sort' })], 'sort -ox y', '"-ox"'],
    [[entry({ binary: 'uniq' })], 'uniq a b', '1 operand'],
    [[entry({ binary: 'tail' })], 'tail -f a', '"-f"'],
    [[entry({ binary: 'cat' })], 'cat ~/x', 'leads out'],
    [[entry({ binary: 'tsc' })], 'tsc', '--noEmit must be given'],
    [[entry({ binary: 'tsc' })], 'tsc --noEmit @args', 'file of arguments'],
  ])('%# refuses %s %s', (by, line, why) => {
    expect(whyNot(by, line.split(' '))).toContain(why);
  });

  it.each(['python3', 'sh', 'env', 'find', 'sed', 'awk', 'xargs', 'tar', 'ssh', 'perl', 'make'])(
    'for %s needs rules of its own',
    (binary) => {
      expect(entryFault(entry({ binary }))).toContain('runs what its arguments say');
      expect(faultyEntry([entry({ argv: ['ls'] }), entry({ binary })])).toMatchObject({ at: 1 });
      expect(
        entryFault(entry({ binary, rules: { options: ['--version'], operands: 'none' } })),
      ).toBeUndefined();
    },
  );

  it('is about that program alone, by its name or its place', () => {
    const placed = [entry({ binary: 'git', path: '/usr/bin/git' })];
    expect(isAllowed(placed, ['/usr/bin/git', 'status'])).toBe(true);
    expect(isAllowed(placed, ['/usr/local/bin/git', 'status'])).toBe(false);
    expect(isAllowed(git, ['/usr/bin/git', 'status'])).toBe(false);
  });
});

describe('of any arguments', () => {
  const words = fc.oneof(
    { weight: 2, arbitrary: fc.string({ maxLength: 6 }) },
    fc.constantFrom(
      ...'-c --exec-path=x --output=x --output -o -ox --pre=x --pre --hostname-bin=x --ext-diff --textconv -O -Ox -e -p'.split(
        ' ',
      ),
      ...'-r --import=x --script-shell=x --compress-program=x --open-files-in-pager=x --no-index -- - status log'.split(
        ' ',
      ),
      ...'diff test run -n --format --format=%G? ../x /etc/passwd --all -la -5 -nx src ~/x @x --filters --prefix'.split(
        ' ',
      ),
    ),
  );
  const program = fc.constantFrom(...shippedNames);
  /** Nothing that writes, runs a program, or reads another configuration. */
  const never =
    /^(?:--(?:output|exec-path|ext-diff|textconv|filters|open-files-in-pager|no-index|upload-pack|pre|pre-glob|hostname-bin|search-zip|compress-program|script-shell|node-options|prefix|import|require|loader|inspect|eval|plugin|config|rulesdir|parser|show-signature|follow-symlinks|files0-from|work-tree)(?:=|$)|-O)/;

  it('none with an option outside of the rules passes, and no path that leads out', () => {
    fc.assert(
      fc.property(program, fc.array(words, { maxLength: 5 }), (binary, args) => {
        if (!isAllowed([entry({ binary, scripts: ['test', 'src'] })], [binary, ...args], '/w')) return;
        if (binary === 'node' && args.some((word) => word === 'src' || word === 'test')) return;
        const end = args.indexOf('--');
        const options = args.slice(0, end < 0 ? args.length : end).filter((word) => word.startsWith('-'));
        expect(options.filter((word) => never.test(word))).toEqual([]);
        if (['git', 'cat', 'sort', 'ls'].includes(binary)) {
          const operands = end < 0 ? [] : args.slice(end + 1);
          expect(operands.filter((word) => word.startsWith('/') || word.split('/').includes('..'))).toEqual(
            [],
          );
        }
        expect(args.some((word) => word.includes('\0'))).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('every option of the rules that ship is one that can be written in a configuration', () => {
    const option = (name: string): string[] => [name, `${name}=number`, `${name}[=a|b]`];
    for (const name of shippedNames) {
      const rules = shippedRules(name);
      for (const one of [rules?.plain, rules?.scripts?.rules, ...(rules?.commands?.values() ?? [])]) {
        const names = [...(one?.flags ?? []), ...(one?.values.keys() ?? []), ...(one?.optional.keys() ?? [])];
        expect(names.filter((name) => never.test(name))).toEqual([]);
        for (const name of names) {
          expect(() => entry({ binary: 'x', rules: { options: option(name) } })).not.toThrow();
          expect(() => argumentRules({ options: option(name) })).not.toThrow();
        }
      }
    }
    expect(() => argumentRules({ options: ['none'] })).toThrow(RangeError);
  });
});
