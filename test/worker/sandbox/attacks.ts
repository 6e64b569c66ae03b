import type { SandboxLayer } from '../../../schemas/sandbox.ts';

/** A script that ends well where it got through, and the layer that is to keep it from that. */
export interface Attack {
  layer: SandboxLayer;
  script: string;
}

const connect = (where: string): string =>
  `"$NODE" -e 'require("net").connect(${where},()=>process.exit(0)).on("error",()=>process.exit(1))'`;

/**
 * What a command may do where nothing confines it, and is not to do in a sandbox. `$HOME`, `$STATE` and
 * `$SHARED` hold secrets with CANARY in them, `$OUT` files `kept`, `moved`, `removed`; `$OTHER` is a process with ENV_CANARY in its
 * environment; `$PORT`, `$STATE/s` and the abstract name `$ABSTRACT` are listened on, and `$UDP` answers.
 */
export const attacks: Readonly<Record<string, Attack>> = {
  'home-secret': { layer: 'filesystem', script: 'grep -q CANARY "$HOME/.ssh/id_ed25519"' },
  'home-token-file': { layer: 'filesystem', script: 'grep -q CANARY "$HOME/.netrc"' },
  'secret-by-link': {
    layer: 'filesystem',
    script: 'ln -s "$HOME/.ssh/id_ed25519" link && grep -q CANARY link',
  },
  'secret-by-hard-link': { layer: 'filesystem', script: 'ln "$HOME/.ssh/id_ed25519" hard' },
  'secret-by-proc-root': {
    layer: 'filesystem',
    script: 'cat /proc/*/root"$HOME"/.ssh/id_ed25519 | grep -q CANARY',
  },
  'secret-by-cwd-of-others': {
    layer: 'filesystem',
    script: 'cat /proc/*/cwd/id_ed25519 | grep -q CANARY',
  },
  'neighbour-codex-home': {
    layer: 'filesystem',
    script: 'grep -q CANARY "$STATE/workers/w2/runs/r/home/auth.json"',
  },
  'tmp-of-others': { layer: 'filesystem', script: 'grep -q CANARY "$SHARED/canary"' },
  'write-outside': { layer: 'filesystem', script: 'echo x > "$OUT/written"' },
  'write-home': { layer: 'filesystem', script: 'echo x > "$HOME/.bashrc"' },
  'truncate-outside': { layer: 'filesystem', script: ': > "$OUT/kept"' },
  'truncate-unopened': { layer: 'filesystem', script: `perl -e 'truncate("$ENV{OUT}/kept", 0) or exit 1'` },
  'mode-outside': { layer: 'filesystem', script: 'chmod 600 "$OUT/kept"' },
  'remove-outside': { layer: 'filesystem', script: 'rm "$OUT/removed" && echo x > "$OUT/removed"' },
  'move-inside': { layer: 'filesystem', script: 'mv "$OUT/moved" moved && mv moved "$OUT/moved"' },
  'environment-of-others': {
    layer: 'processes',
    script: 'cat /proc/*/environ | tr "\\0" "\\n" | grep -q ENV_CANARY',
  },
  'memory-of-others': { layer: 'processes', script: 'head -c 1 "/proc/$OTHER/maps" | grep -q .' },
  'signal-to-others': { layer: 'processes', script: 'kill -0 "$OTHER"' },
  'limits-of-others': { layer: 'processes', script: 'prlimit --pid "$OTHER" --core=0' },
  tcp: { layer: 'network', script: `${connect('+process.argv[1],"127.0.0.1"')} "$PORT"` },
  udp: {
    layer: 'network',
    script: `perl -MSocket -e 'socket(S,2,2,0) and connect(S,pack_sockaddr_in($ENV{UDP},inet_aton("127.0.0.1"))) and send(S,"x",0) and defined recv(S,$_,1,0) and length or exit 1'`,
  },
  'abstract-socket': { layer: 'network', script: `${connect('"\\0"+process.argv[1]')} "$ABSTRACT"` },
  'socket-of-the-fleet': { layer: 'network', script: `${connect('process.argv[1]')} "$STATE/s"` },
};

/** What only root can do where nothing confines it. */
export const attacksOfRoot: Readonly<Record<string, Attack>> = {
  mount: { layer: 'privileges', script: 'mkdir -p m && mount -t tmpfs x m && umount m' },
  'kernel-log': { layer: 'filesystem', script: ': < /dev/kmsg' },
  'core-pattern': { layer: 'filesystem', script: ': >> /proc/sys/kernel/core_pattern' },
  cgroup: {
    layer: 'filesystem',
    script: 'mkdir "/sys/fs/cgroup/unified/$OWN" && rmdir "/sys/fs/cgroup/unified/$OWN"',
  },
  shadow: { layer: 'filesystem', script: 'test -s /etc/shadow && cat /etc/shadow' },
};
