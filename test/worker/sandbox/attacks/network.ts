import { perl, type Attacks } from './attack.ts';

const connectUnix = (path: string): string =>
  perl(`socket(S, 1, 1, 0) and connect(S, pack_sockaddr_un("${path}"))`);

const socket = (...words: number[]): string => perl(`socket(S, ${words.join(', ')})`);

/** What listens on the machine, and beyond. */
export const onNetwork: Attacks = Object.fromEntries(
  Object.entries({
    tcp: perl('socket(S, 2, 1, 0) and connect(S, sockaddr_in($ENV{PORT}, inet_aton("127.0.0.1")))'),
    'tcp-6': perl(
      'socket(S, 10, 1, 0) and connect(S, pack_sockaddr_in6($ENV{PORT_6}, Socket::inet_pton(10, "::1")))',
    ),
    udp: perl(
      'socket(S, 2, 2, 0) and connect(S, sockaddr_in($ENV{UDP}, inet_aton("127.0.0.1"))) and send(S, "x", 0) and defined recv(S, $_, 1, 0) and length',
    ),
    'abstract-socket': `"$NODE" -e 'require("net").connect("\\0"+process.env.ABSTRACT,()=>process.exit(0)).on("error",()=>process.exit(1))'`,
    'socket-of-the-fleet': connectUnix('$ENV{STATE}/s'),
    'socket-of-a-key-agent': connectUnix('$ENV{HOME}/.gnupg/s'),
    'socket-in-tmp': connectUnix('$ENV{SHARED}/s'),
    'socket-in-run': connectUnix('$ENV{RUNTIME}/s'),
    'listening-sockets': 'grep -qi ":$(printf %04X "$PORT") " /proc/net/tcp',
    'names-of-sockets': 'grep -qF "$STATE/s" /proc/net/unix',
    links: 'test "$(grep -c : /proc/net/dev)" -gt 1',
  }).map(([name, script]) => [name, { layer: 'network' as const, script }]),
);

export const onNetworkOfRoot: Attacks = {
  'raw-socket': { layer: 'privileges', script: socket(2, 3, 1) },
  'packet-socket': { layer: 'privileges', script: socket(17, 3, 0) },
};

/** Not bound by a network namespace: the host of a virtual machine, or its other machines. */
export const vsock: Attacks = { vsock: { layer: 'network', script: socket(40, 1, 0) } };
