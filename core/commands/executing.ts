/** Read a program from a file, their arguments or their input. */
const interpreters = new Set(
  (
    'ash awk bash bc bun busybox dash dc deno ed emacs ex expect fish gawk gdb ghc groovy guile irb java jshell ksh ' +
    'lua luajit mawk mksh nawk node nodejs octave osascript perl php pwsh pypy python ruby rview rvim R Rscript ' +
    'scala sed sh sqlite3 swift tclsh tcsh csh toybox ts-node tsx vi view vim vimdiff nvim wish yash zsh'
  ).split(' '),
);

/** Run, fetch or overwrite what their arguments, or a file those name, tell them to. */
const executors = new Set(
  (
    'ant apt apt-get bazel bwrap bzip2 cargo chroot chrt cmake command cpio crontab ctest curl dbus-run-session dd ' +
    'doas docker dpkg env eval exec fakeroot find firejail flock ftp g++ gcc cc c++ clang git go gradle grunt gulp ' +
    'hg install ionice jest jq ld ldd less lftp ln ltrace make man mocha more mount mv mvn ncat nc nice ninja nohup ' +
    'npm npx nsenter openssl parallel pip pip3 pipx pkexec pnpm pnpx podman poetry prettier eslint prlimit pytest ' +
    'rake rg rpm rsync run-parts runuser rustc script scp screen setarch setpriv setsid sftp shuf socat sort ssh ' +
    'start-stop-daemon stdbuf strace su sudo svn systemctl systemd-run tar task taskset tee time timeout tmux tox ' +
    'tsc turbo unshare unzip uv uvx valgrind vitest watch watchexec wget wish xargs xxd yarn zip'
  ).split(' '),
);

/** What running a program with arguments of a stranger's choice amounts to. */
export type Executing = 'interpreter' | 'executor' | undefined;

/** Goes by the last part of the name, with a version taken off: `/usr/bin/python3.11` is `python`. */
export function executingKind(program: string): Executing {
  const name = program.slice(program.lastIndexOf('/') + 1).replace(/\.exe$/, '');
  for (const one of [name, name.replace(/-?\d[\d.]*$/, '')]) {
    if (interpreters.has(one)) return 'interpreter';
    if (executors.has(one)) return 'executor';
  }
  return undefined;
}
