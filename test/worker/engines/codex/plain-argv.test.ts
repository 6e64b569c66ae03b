import { describe, expect, it } from 'vitest';
import { plainArgv, shellScript } from '../../../../servers/worker/engines/codex/plain-argv.ts';

describe('plainArgv', () => {
  it.each([
    ['ls', ['ls']],
    ['git log --format=%h -n 5', ['git', 'log', '--format=%h', '-n', '5']],
    ["grep -rn 'a b' src/", ['grep', '-rn', 'a b', 'src/']],
    ['echo "a;b && c" x@y', ['echo', 'a;b && c', 'x@y']],
    ["echo '$HOME' ''", ['echo', '$HOME', '']],
    ['  ls \t -a ', ['ls', '-a']],
  ])('reads %s', (script, argv) => {
    expect(plainArgv(script)).toEqual(argv);
  });

  it.each([
    '',
    '   ',
    'ls && touch q',
    'ls; q',
    'ls | q',
    'ls & q',
    'ls &',
    'ls || q',
    'ls\nq',
    'ls\rq',
    '(ls)',
    '{ ls; }',

    'ls > q',
    'ls >q',
    'ls 2>&1',
    'ls < q',
    'ls <<< q',
    'echo $(q)',
    'echo `q`',
    'echo $HOME',
    'echo ${A}',

    'echo "$HOME"',
    'echo "`q`"',
    'echo "a\\"b"',
    'echo "!q"',
    'A=1 ls',
    'A=1',
    'echo *',
    'echo a?',
    'echo [a]',

    'echo ~',
    'echo a=~/b',
    'echo {a,b}',
    'echo a\\ b',
    'ls # q',
    '! ls',
    'time ls',
    'if ls',
    'function ls',

    "l's'",
    "'ls'",
    '"ls"',
    "ls 'a",
    'ls "a',
    "ls 'a'b",
    "ls a'b c'",
    "ls 'a''b'",
    "ls $'a'",
    'ls "a""b"',
    'ls a\0b',
    'ls\u00a0q',
    'ls\u2028q',
    'éls',
    'ls é',
    'ls \\\nq',
    'ls 1>q',
    'a() q',
    'ls ^q',
    'coproc ls',
  ])('refuses %j', (script) => {
    expect(plainArgv(script)).toBeUndefined();
  });
});

describe('shellScript', () => {
  it.each([
    ["/bin/bash -c 'ls && touch q'", 'ls && touch q'],
    ['/bin/bash -c ls', 'ls'],
    [`/usr/bin/zsh -c "echo 'a' \\"b\\""`, `echo 'a' "b"`],
    [`bash -c 'a'"'"'b'`, "a'b"],
  ])('takes the script out of %s', (commandLine, script) => {
    expect(shellScript(commandLine)).toBe(script);
  });

  it.each([
    '',
    'ls',
    '/bin/bash -lc ls',
    "/bin/bash -c 'ls' extra",
    '/bin/bash script.sh',
    "/bin/bash -c 'ls",
    'python -c ls',
  ])('finds none in %j', (commandLine) => {
    expect(shellScript(commandLine)).toBeUndefined();
  });
});
