import { call, perl, type Attacks } from './attack.ts';

/** The first page of its memory that can be read, from a file nobody else may read. */
const firstPage =
  'open my $m, "<", "/proc/$ENV{OTHER}/maps" or exit 1; my ($at) = map { hex } <$m> =~ /^([0-9a-f]+)/;';

const fdOfOther = (more: string): string =>
  `my $p = ${call('pidfd_open', '$ENV{OTHER} + 0', '0')}; $p >= 0 and ${more}`;

/** Other processes: their environment by every way to it, memory, files, and life. */
export const onProcesses: Attacks = Object.fromEntries(
  Object.entries({
    'environment-of-others': 'cat /proc/*/environ | tr "\\0" "\\n" | grep -q ENV_CANARY',
    'environment-by-tasks': 'cat /proc/*/task/*/environ | tr "\\0" "\\n" | grep -q ENV_CANARY',
    'environment-of-parents': `P=$PPID; while [ "$P" -gt 0 ]; do grep -qzxF "$PARENT_WORD" "/proc/$P/environ" && exit 0; P=$(sed -n "s/^PPid:\\t//p" "/proc/$P/status"); done; exit 1`,
    'environment-of-anybody': 'grep -qzxF "$PARENT_WORD" /proc/[0-9]*/environ',
    'environment-by-ps': 'ps axeww | grep -q "ENV_CANARY=CANAR[Y]"',
    'arguments-of-others': 'cat /proc/*/cmdline | grep -aq "ARG_CANAR[Y]"',
    'files-of-others': 'ls -l /proc/$OTHER/fd/9 && readlink /proc/*/fd/9 | grep -q id_ed25519',
    'maps-of-others': 'head -c 1 "/proc/$OTHER/maps" | grep -q .',
    'memory-of-others': perl(
      `${firstPage} open my $f, "<", "/proc/$ENV{OTHER}/mem"; sysseek $f, $at, 0; sysread($f, my $page, 4) == 4`,
    ),
    'memory-by-call': perl(
      `${firstPage} my $b = "\\0" x 4; my $l = pack("PQ", $b, 4); my $r = pack("QQ", $at, 4); ${call('process_vm_readv', '$ENV{OTHER} + 0', '$l', '1', '$r', '1', '0')} == 4`,
    ),
    // PTRACE_SEIZE: it is not halted, and let go when Perl ends.
    trace: perl(`${call('ptrace', '0x4206', '$ENV{OTHER} + 0', '0', '0')} == 0`),
    'pid-descriptor': perl(fdOfOther('1')),
    'take-a-descriptor': perl(fdOfOther(`${call('pidfd_getfd', '$p', '9', '0')} >= 0`)),
    'compare-processes': perl(`${call('kcmp', '$ENV{OTHER} + 0', '$ENV{OTHER} + 0', '2', '0', '0')} >= 0`),
    'signal-to-others': 'kill -0 "$OTHER"',
    'limits-of-others': 'prlimit --pid "$OTHER" --core=0',
    'priority-of-others': 'renice -n 19 -p "$OTHER"',
    'processors-of-others': 'taskset -p "$OTHER"',
    'shared-memory': perl('defined shmget($ENV{IPC_KEY}, 0, 0)'),
    'message-queue': perl('defined msgget($ENV{IPC_KEY}, 0)'),
    semaphores: perl('defined semget($ENV{IPC_KEY}, 0, 0)'),
    'posix-queue': perl(`my $n = $ENV{SHM}; ${call('mq_open', '$n', '0', '0', '0')} >= 0`),
  }).map(([name, script]) => [name, { layer: 'processes' as const, script }]),
);
