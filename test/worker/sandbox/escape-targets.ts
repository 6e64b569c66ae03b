import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { call } from './attacks/attack.ts';

const canary = 'CANARY 4f1d9c';
const secrets = [
  'home/.ssh/id_ed25519',
  'home/.netrc',
  'home/.bash_history',
  'home/.codex/auth.json',
  'state/workers/w2/runs/r/home/auth.json',
];

/** What a user has on this machine that attacks are after: files, sockets, memory, other processes. */
export interface EscapeTargets {
  /** The variables of the attacks' scripts. */
  env: Record<string, string>;
  root: string;
  /** In /tmp. */
  shared: string;
  close(): void;
}

/** `runtime`: a folder in /run, as sessions of users have them. */
export async function openEscapeTargets(runtime: string): Promise<EscapeTargets> {
  const root = mkdtempSync('/var/tmp/fe-');
  const at = (...names: string[]): string => join(root, ...names);
  const shared = mkdtempSync('/tmp/fe-');
  for (const file of secrets) {
    mkdirSync(join(at(file), '..'), { recursive: true });
    writeFileSync(at(file), canary);
  }
  for (const folder of ['home/.gnupg', 'out', 'ws']) mkdirSync(at(folder));
  for (const name of ['out/kept', 'out/removed']) writeFileSync(at(name), 'kept');
  writeFileSync(join(shared, 'canary'), canary);
  chmodSync(shared, 0o755);
  const name = `fleet-${String(process.pid)}`;
  const memory = join('/dev/shm', name);
  writeFileSync(memory, canary);
  const shareds = shareMemory(name);
  const other = startOther(at('home/.ssh'));
  const sockets = await listen([
    `\0${root}`,
    at('state/s'),
    at('home/.gnupg/s'),
    join(shared, 's'),
    join(runtime, 's'),
  ]);
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: at('home'),
    STATE: at('state'),
    OUT: at('out'),
    SHARED: shared,
    RUNTIME: runtime,
    OTHER: String(other.pid),
    SHM: name,
    IPC_KEY: String(shareds.key),
    ABSTRACT: root,
    NODE: process.execPath,
    OWN: name,
    CGROUPS: cgroups(),
    PARENT_WORD: readFileSync('/proc/self/environ', 'latin1').split('\0')[0] ?? '',
    ...sockets.ports,
  };
  const close = (): void => {
    other.kill('SIGKILL');
    sockets.close();
    shareds.remove();
    for (const folder of [root, shared, memory]) rmSync(folder, { recursive: true, force: true });
  };
  return { env, root, shared, close };
}

/** One script that tries all of them, says GOT and the name of each that got through, and DONE at its end. */
export function escapeScript(tried: Readonly<Record<string, string>>): string {
  const lines = Object.entries(tried).map(
    ([attack, script]) => `( ${script} ) >/dev/null 2>&1 && echo "GOT ${attack}"`,
  );
  return `rm -rf link hard way\n${lines.join('\n')}\necho DONE`;
}

/** The names of those that got through. */
export function gotThrough(said: string): string[] {
  if (!said.includes('DONE')) throw new Error(`The attacks were not all tried: ${said}`);
  return [...said.matchAll(/^GOT (.+)$/gm)].map(([, got]) => got ?? '');
}

/** Another process of the user, with a secret in its environment, its arguments, and open. */
function startOther(folder: string) {
  const file = openSync(join(folder, 'id_ed25519'), 'r');
  const none = Array.from({ length: 6 }, () => 'ignore' as const);
  const other = spawn('/bin/sleep', ['600'], {
    argv0: 'ARG_CANARY',
    env: { ENV_CANARY: canary },
    cwd: folder,
    stdio: ['ignore', 'ignore', 'ignore', ...none, file],
  });
  closeSync(file);
  return other;
}

/** Segments, queues and keys that outlive the process that made them; removed by remove(). */
function shareMemory(name: string): { key: number; remove(): void } {
  const key = 0x46_00_00_00 + process.pid;
  const run = (code: string): void => void execFileSync('perl', ['-e', code], { stdio: 'ignore' });
  const ofKey = (flags: string): string =>
    `my $m = shmget(${String(key)}, 4096, ${flags}); my $q = msgget(${String(key)}, ${flags}); my $s = semget(${String(key)}, 1, ${flags});`;
  const word = `my ($t, $n, $v) = ("user", "${name}", "${canary}");`;
  run(
    `${ofKey('01600')} ${word} ${call('add_key', '$t', '$n', '$v', String(canary.length), '-4')}; ${call('mq_open', '$n', '0102', '0600', '0')};`,
  );
  return {
    key,
    remove: () => {
      run(
        `${ofKey('0')} shmctl($m, 0, 0); msgctl($q, 0, 0); semctl($s, 0, 0, 0); ${word} my $k = ${call('keyctl', '10', '-4', '$t', '$n', '0')}; ${call('keyctl', '9', '$k', '-4')}; ${call('mq_unlink', '$n')};`,
      );
    },
  };
}

async function listen(paths: readonly string[]) {
  const servers: Server[] = [];
  const serve = async (where: string | { host: string; port: number }): Promise<Server> => {
    const server = createServer((socket) => socket.end());
    server.listen(where);
    await once(server, 'listening');
    servers.push(server);
    return server;
  };
  for (const path of paths) await serve(path);
  const four = await serve({ host: '127.0.0.1', port: 0 });
  const six = await serve({ host: '::1', port: 0 });
  const datagrams = createSocket('udp4', (message, { port, address }) => {
    datagrams.send(message, port, address);
  });
  datagrams.bind(0, '127.0.0.1');
  await once(datagrams, 'listening');
  return {
    ports: {
      PORT: portOf(four.address()),
      PORT_6: portOf(six.address()),
      UDP: String(datagrams.address().port),
    },
    close: () => {
      for (const one of [...servers, datagrams]) one.close();
    },
  };
}

function portOf(address: AddressInfo | string | null): string {
  return typeof address === 'object' && address !== null ? String(address.port) : '';
}

function cgroups(): string {
  const mounts = readFileSync('/proc/mounts', 'utf8');
  return /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1] ?? '/sys/fs/cgroup';
}
