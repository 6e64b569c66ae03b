import type { RunLimits } from '../../../schemas/limits.ts';

/**
 * Brings itself under limits and becomes the program after `--`: $1 names variables some shells make and
 * nobody asked for, $2 to $4 are limits of each process or `-`, and then come the cgroups to join. What
 * cannot be done ends it, before the program has begun. Fixed text; nothing is put into it.
 */
const script = [
  'unset $1',
  '[ "$2" = - ] || { ulimit -S -t "$2" && ulimit -H -t $(($2 + 1)); } || exit 125',
  '[ "$3" = - ] || ulimit -f "$3" || exit 125',
  '[ "$4" = - ] || ulimit -n "$4" || exit 125',
  'shift 4',
  'while [ "$1" != -- ]; do',
  '  echo 0 > "$1/cgroup.procs" || exit 125',
  '  shift',
  'done',
  'shift',
  'exec "$@"',
].join('\n');

/** POSIX counts the size of files in these. */
const blockBytes = 512;

/** Of the whole tree more is counted than of one process: where both would end a run, the count is to come first. */
const cpuSlackS = 1;

const madeByShells = ['PWD', 'OLDPWD', 'SHLVL'];

/** What a process with these limits is started through. */
export function launcher(
  limits: RunLimits,
  folders: readonly string[],
  env: Readonly<Record<string, string>>,
): readonly [string, ...string[]] {
  const { cpu_ms: cpuMs, disk_bytes: diskBytes, open_files: openFiles } = limits;
  const unset = madeByShells.filter((name) => env[name] === undefined).join(' ');
  const word = (value: number | undefined): string => (value === undefined ? '-' : String(Math.floor(value)));
  return [
    '/bin/sh',
    '-c',
    script,
    'codex-fleet',
    unset,
    word(cpuMs && Math.ceil(cpuMs / 1000) + cpuSlackS),
    word(diskBytes && diskBytes / blockBytes),
    word(openFiles),
    ...folders,
    '--',
  ];
}
