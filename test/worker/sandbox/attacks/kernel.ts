import { call, perl, type Attacks } from './attack.ts';

const namespaces = ['mount', 'uts', 'ipc', 'net', 'pid', 'cgroup', 'time'];

/** What only root can do where nothing confines it. */
export const ofCapabilities: Attacks = Object.fromEntries(
  Object.entries({
    mount: 'mkdir -p m && mount -t tmpfs x m && umount m',
    'bind-mount': 'mkdir -p m && mount --bind "$HOME/.ssh" m && umount m',
    'change-root': 'chroot / true',
    // Any other answer than "not permitted" comes after that was asked.
    'pivot-root': perl(`my ($n, $o) = (".", "./none"); ${call('pivot_root', '$n', '$o')} == 0 || $! != 1`),
    'enter-namespace': perl(`open my $f, "<", "/proc/self/ns/uts"; ${call('setns', 'fileno $f', '0')} == 0`),
    ...Object.fromEntries(namespaces.map((kind) => [`new-${kind}-namespace`, `unshare --${kind} true`])),
    'set-user': perl('$> = 12345; $> == 12345'),
    'give-away': 'touch given && chown 12345 given; S=$?; rm -f given; exit $S',
    'real-time': 'chrt -f 1 true',
    'watch-the-machine': perl(
      `my $a = pack("LLQQ", 1, 112, 0, 0) . "\\0" x 88; ${call('perf_event_open', '$a', '-1', '0', '-1', '0')} >= 0`,
    ),
    bpf: perl(`my $a = pack("LLLL", 1, 4, 4, 1) . "\\0" x 112; ${call('bpf', '0', '$a', '128')} >= 0`),
  }).map(([name, script]) => [name, { layer: 'privileges' as const, script }]),
);

const join = call('keyctl', '1', '0');
const search = call('keyctl', '10', '-4', '$t', '$n', '0');
/** The user's keys are linked to a session of one's own, and then they can be read. */
const readKey = perl(
  `my ($t, $n, $b) = ("user", $ENV{SHM}, "\\0" x 16); ${join}; ${call('keyctl', '8', '-4', '-3')}; my $k = ${search}; $k > 0 and ${call('keyctl', '11', '$k', '$b', '16')} > 0 and $b =~ /CANARY/`,
);

/** Keys its user has in the kernel, and what opens sockets no filter sees. */
export const ofKeys: Attacks = Object.fromEntries(
  Object.entries({
    'io-uring': perl(`my $p = "\\0" x 120; ${call('io_uring_setup', '1', '$p')} >= 0`),
    'keys-of-the-user': readKey,
  }).map(([name, script]) => [name, { layer: 'network' as const, script }]),
);

/** Closed by `strict` alone: doors of the kernel, none of which leads out by itself. */
export const ofCalls: Attacks = Object.fromEntries(
  Object.entries({
    'new-user-namespace': 'unshare -U true',
    userfaultfd: perl(`${call('userfaultfd', '1')} >= 0`),
    'count-events': perl(
      `my $a = pack("LLQQ", 1, 112, 0, 0) . "\\0" x 24 . pack("Q", 0x62) . "\\0" x 56; ${call('perf_event_open', '$a', '0', '-1', '-1', '0')} >= 0`,
    ),
  }).map(([name, script]) => [name, { layer: 'system_calls' as const, script }]),
);

/** Without a twin: outside of a sandbox there is nothing to undo. */
export const undoing: Attacks = Object.fromEntries(
  Object.entries({
    'enter-init': 'nsenter -t 1 -m true',
    remount: 'mount -o remount,rw / && echo x > "$OUT/written"',
    uncover: 'umount "$HOME/.ssh" && grep -q CANARY "$HOME/.ssh/id_ed25519"',
    'uncover-in-namespace':
      'unshare -Urm sh -c \'umount -l "$HOME/.ssh"; grep -q CANARY "$HOME/.ssh/id_ed25519"\'',
    'root-in-namespace': 'unshare -Urm sh -c \'mount -o remount,rw,bind /; echo x > "$OUT/written"\'',
    'enter-keeper': 'nsenter -t 1 -m -p cat "$HOME/.ssh/id_ed25519" | grep -q CANARY',
    'type-into-the-terminal': perl('open my $t, "+<", "/dev/tty" and ioctl($t, 0x5412, my $c = "x")'),
    'type-into-terminals': perl('my @t = grep { open my $f, "+<", $_ } glob "/dev/pts/[0-9]*"; @t > 0'),
    'new-privileges': `grep -q "^NoNewPrivs:[[:space:]]*0" /proc/self/status`,
    'limits-raised': 'ulimit -H -n 1000000000',
  }).map(([name, script]) => [name, { layer: 'privileges' as const, script }]),
);

/** What whoever started us had open, and left so. */
export const inherited: Attacks = {
  'inherited-descriptors': {
    layer: 'filesystem',
    script: perl('my @open = grep { open my $f, "<&=", $_ } 3 .. 255; @open > 0'),
  },
};
