import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { closeOf } from '../../runner/child.ts';
import type { ReapingLayer } from '../../runner/layer.ts';
import type { Confinement, ProcessSpec, Relay } from '../../runner/process.ts';
import { byNamespaces } from '../ways.ts';
import { relayPort } from './environment.ts';
import { openPass } from './gate.ts';

const limitMs = 10_000;

/**
 * Asks the relay for the first port, which is listed, and for the second, which is not; then tries both
 * without it. Fixed text; nothing is put into it.
 */
const spy = `
use Socket;
my ($relay, @ports) = @ARGV;
sub reach {
    socket(my $socket, PF_INET, SOCK_STREAM, 0) or return;
    connect($socket, pack_sockaddr_in($_[0], INADDR_LOOPBACK)) or return;
    return $socket;
}
for my $port (@ports) {
    my $socket = reach($relay) or next;
    syswrite($socket, "CONNECT 127.0.0.1:$port HTTP/1.1\\r\\nhost: 127.0.0.1:$port\\r\\n\\r\\n");
    my $said = '';
    1 while $said !~ /canary/ && sysread($socket, $said, 4096, length $said);
    print $said =~ /^HTTP\\/1.1 200 .*canary/s ? "reached\\n" : $said =~ /^HTTP\\/1.1 403 / ? "refused\\n" : "failed\\n";
}
print reach($_) ? "direct\\n" : "closed\\n" for @ports;
`;

export interface HostsProof {
  layer: ReapingLayer;
  perl: string;
  relayArgv: Relay['argv'];
  dir: string;
}

/** Why a list of hosts does not hold here; undefined where it does, by a command that tries. */
export async function whyNoHosts(proof: HostsProof): Promise<string | undefined> {
  const servers = [createServer(greet), createServer(greet)];
  try {
    const said = await tryPorts(proof, await Promise.all(servers.map(listen)));
    if (said === 'reached\nrefused\nclosed\nclosed\n') return undefined;
    return `the proxy did not hold (${said.replaceAll(/\s+/g, ' ').trim().slice(0, 200)})`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    for (const server of servers) server.close();
  }
}

/** What a command says that may reach the first of them. */
async function tryPorts(
  { layer, perl, relayArgv, dir }: HostsProof,
  ports: readonly number[],
): Promise<string> {
  const grant = [`127.0.0.1:${String(ports[0])}`];
  const pass = openPass({ dir, relayArgv }, { grant, allowPrivate: false });
  try {
    const spec: ProcessSpec = {
      argv: [perl, '-e', spy, String(relayPort), ...ports.map(String)],
      env: {},
      stdin: 'ignore',
      cwd: '/',
      tmpDir: '/tmp',
      relay: pass.relay,
    };
    return await hear(layer, byNamespaces.confine(spec, confinement, 'whole'));
  } finally {
    pass.close();
  }
}

const confinement: Confinement = {
  writable: [],
  readable: [],
  hidden: [],
  network: false,
  tmpBytes: 1024 * 1024,
  filtersCalls: false,
};

function greet(socket: {
  end(text: string): unknown;
  on(event: 'error', listener: () => void): unknown;
}): void {
  socket.on('error', () => undefined);
  socket.end('canary');
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return portOf(server.address());
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function hear(layer: ReapingLayer, spec: ProcessSpec): Promise<string> {
  const { child, tree } = await layer.launch(spec);
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output?.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
  }
  const timer = setTimeout(() => void tree.kill(), limitMs);
  try {
    await closeOf(child);
  } finally {
    clearTimeout(timer);
    await tree.kill();
  }
  return said;
}
