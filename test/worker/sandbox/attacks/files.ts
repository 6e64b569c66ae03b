import { call, perl, type Attacks } from './attack.ts';

/** Reading what is hidden, and writing outside of the workspace. */
export const onFiles: Attacks = Object.fromEntries(
  Object.entries({
    'home-secret': 'grep -q CANARY "$HOME/.ssh/id_ed25519"',
    'home-token-file': 'grep -q CANARY "$HOME/.netrc"',
    'history-of-the-shell': 'grep -q CANARY "$HOME/.bash_history"',
    'sign-in-of-codex': 'grep -q CANARY "$HOME/.codex/auth.json"',
    'secret-by-link': 'ln -s "$HOME/.ssh/id_ed25519" link && grep -q CANARY link',
    'secret-by-hard-link': 'ln "$HOME/.ssh/id_ed25519" hard',
    'secret-by-dots': 'grep -q CANARY ../home/.ssh/../.ssh/id_ed25519',
    'secret-by-proc-root': 'cat /proc/*/root"$HOME"/.ssh/id_ed25519 | grep -q CANARY',
    'secret-by-cwd-of-others': 'cat /proc/*/cwd/id_ed25519 | grep -q CANARY',
    'secret-by-open-file-of-others': 'cat /proc/*/fd/9 | grep -q CANARY',
    'secret-by-opened-folder':
      'cd "$HOME/.ssh" && exec 8<. && cat /proc/self/fd/8/id_ed25519 | grep -q CANARY',
    'list-of-hidden': 'ls -A "$HOME/.ssh" | grep -q .',
    'watch-hidden': perl(
      `my $n = ${call('inotify_init1', '0')}; my $p = "$ENV{HOME}/.ssh/id_ed25519"; ${call('inotify_add_watch', '$n', '$p', '0xfff')} > 0`,
    ),
    'neighbour-codex-home': 'grep -q CANARY "$STATE/workers/w2/runs/r/home/auth.json"',
    'tmp-of-others': 'grep -q CANARY "$SHARED/canary"',
    'shared-memory-file': 'cat /dev/shm/"$SHM" | grep -q CANARY',
    'write-outside': 'echo x > "$OUT/written"',
    'write-by-dots': 'echo x > ../out/dots',
    'write-by-link-of-the-workspace': 'ln -sfn "$OUT" way && echo x > way/linked',
    'write-from-deleted-folder': 'mkdir -p gone && cd gone && rmdir ../gone && echo x > "$OUT/deleted"',
    'write-home': 'echo x > "$HOME/.bashrc"',
    'truncate-outside': ': > "$OUT/kept"',
    'truncate-unopened': perl('truncate("$ENV{OUT}/kept", 0)'),
    'mode-outside': 'chmod 600 "$OUT/kept"',
    'setuid-outside': 'chmod u+s "$OUT/kept"',
    'times-outside': 'touch -d 2001-01-01 "$OUT/kept"',
    'remove-outside': 'rm "$OUT/removed" && echo x > "$OUT/removed"',
    'move-inside': 'mv "$OUT/kept" moved && mv moved "$OUT/kept"',
    'link-inside': 'ln "$OUT/kept" linked && rm linked',
    'rename-the-workspace': 'mv ../ws ../ws2 && mv ../ws2 ../ws',
    'pipe-outside': 'mkfifo "$OUT/pipe" && rm "$OUT/pipe"',
  }).map(([name, script]) => [name, { layer: 'filesystem' as const, script }]),
);

/** Opened for writing, and nothing written: these are the machine's. */
const opened = (path: string): string => `: >> ${path}`;

export const onFilesOfRoot: Attacks = {
  ...Object.fromEntries(
    Object.entries({
      'kernel-log': ': < /dev/kmsg',
      'core-pattern': opened('/proc/sys/kernel/core_pattern'),
      'settings-of-memory': opened('/sys/kernel/mm/transparent_hugepage/enabled'),
      'score-of-others': opened('/proc/$OTHER/oom_score_adj'),
      cgroup: 'D="$CGROUPS/$OWN"; mkdir "$D" && rmdir "$D"',
      'leave-the-cgroup': opened('"$CGROUPS/cgroup.procs"'),
      shadow: 'test -s /etc/shadow && cat /etc/shadow',
    }).map(([name, script]) => [name, { layer: 'filesystem' as const, script }]),
  ),
  'open-by-handle': {
    layer: 'privileges',
    script: perl(
      `my $h = pack("Ll", 128, 0) . "\\0" x 128; my $m = "\\0" x 8; my $p = "$ENV{OUT}/kept"; open my $d, "<", $ENV{OUT}; ` +
        `${call('name_to_handle_at', '-100', '$p', '$h', '$m', '0')} == 0 and ${call('open_by_handle_at', 'fileno $d', '$h', '0')} >= 0`,
    ),
  },
  'make-device': {
    layer: 'privileges',
    script: 'mknod dev c 1 8 && head -c1 dev >/dev/null; S=$?; rm -f dev; exit $S',
  },
  'make-disk': { layer: 'privileges', script: 'mknod disk b 7 0 && rm disk' },
};

/** What this machine may have or not. */
export const onDevices: Attacks = Object.fromEntries(
  [
    'mem',
    'kmem',
    'port',
    'fuse',
    'kvm',
    'loop-control',
    'loop0',
    'vda',
    'sda',
    'nvme0n1',
    'vsock',
    'uinput',
    'console',
    'net/tun',
  ].map((name) => [`device-${name}`, { layer: 'filesystem', script: `: < /dev/${name}` }]),
);
