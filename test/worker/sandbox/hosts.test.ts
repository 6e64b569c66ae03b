import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { config as configSchema } from '../../../schemas/config.ts';
import type { NetworkGrant } from '../../../schemas/network.ts';
import { pipeline as pipelineSchema } from '../../../schemas/pipeline.ts';
import type { SandboxProfile } from '../../../schemas/sandbox.ts';
import { readProcess } from '../../../servers/worker/runner/process-table.ts';
import { probeReaping, type ReapingProbe } from '../../../servers/worker/runner/reaping.ts';
import { createStartProcess } from '../../../servers/worker/runner/start-process.ts';
import type { RunningProcess } from '../../../servers/worker/runner/process.ts';
import { commandEngine } from '../../../servers/worker/engines/command.ts';
import { createSandbox, type Sandbox } from '../../../servers/worker/sandbox/sandbox.ts';
import { eventually, processesWith } from '../../helpers/processes.ts';
import { scratchFolder } from '../../helpers/scratch.ts';
import { fixtures, path } from '../runner/support.ts';
import { openTestWorker, until } from '../support/test-worker.ts';

const root = mkdtempSync('/var/tmp/fh-');
const at = (...names: string[]): string => join(root, ...names);
const stage = { name: 'ask', engine: 'command' as const, argv: ['/bin/sh'] };

const commit = 'd670460b4b4aece5915caf5c68d12f560a9fe3e4';
/** As Git reads it from a plain web server. */
const repository: Record<string, string> = {
  '/repo.git/info/refs': `${commit}\trefs/heads/main\n`,
  '/repo.git/HEAD': 'ref: refs/heads/main\n',
};

const listed = createHttp((request, response) => {
  const path = request.url?.split('?')[0] ?? '';
  if (Object.hasOwn(repository, path)) {
    response.writeHead(200, { 'content-type': 'text/plain' }).end(repository[path]);
    return;
  }
  response.end(`canary ${request.method ?? ''} ${request.url ?? ''} ${request.headers.host ?? ''}`);
});
const other = createHttp((_, response) => response.end('canary'));
const echo = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => undefined).pipe(socket);
});
/** Says nothing, and ends no connection. */
const held = new Set<Socket>();
const silent = createServer({ allowHalfOpen: true }, (socket) => {
  held.add(socket);
  socket.on('error', () => undefined).resume();
  socket.once('close', () => held.delete(socket));
});
const datagrams = createSocket('udp4', (message, { port, address }) => {
  datagrams.send(message, port, address);
});
const fleet = createServer((socket) => socket.end('canary'));
let probed: ReapingProbe;
let sandbox: Sandbox;

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return portOf(server.address());
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

let ports: Record<'listed' | 'other' | 'echo' | 'silent', number>;

beforeAll(async () => {
  for (const folder of ['home', 'state', 'ws']) mkdirSync(at(folder));
  ports = {
    listed: await listen(listed),
    other: await listen(other),
    echo: await listen(echo),
    silent: await listen(silent),
  };
  datagrams.bind(0, '127.0.0.1');
  fleet.listen(at('state/s'));
  await Promise.all([once(datagrams, 'listening'), once(fleet, 'listening')]);
  probed = await probeReaping({ config: { reaping: 'auto' }, path, stateDir: at('state') });
  sandbox = createSandbox({ layer: probed.layer, dir: at('state'), ours: [at('state')], path });
});

afterAll(async () => {
  for (const one of [listed, other, echo, silent, fleet, datagrams]) one.close();
  for (const socket of held) socket.destroy();
  await probed.layer.close();
  rmSync(root, { recursive: true, force: true });
});

interface Asked {
  profile?: SandboxProfile;
  network?: NetworkGrant;
}

interface Ended {
  said: string;
  notes: string[];
}

/** Starts a script in the sandbox, which may reach `listed` and `echo` unless it is said otherwise. */
async function start(
  script: string,
  { profile = 'default', network = allowed() }: Asked = {},
): Promise<{
  running: RunningProcess;
  ended: Promise<Ended>;
  output: () => string;
}> {
  const config = configSchema.parse({ sandbox: { profile, network } });
  const pipeline = pipelineSchema.parse({ stages: [stage] });
  await sandbox.check({ config, pipeline, stages: [stage], cwd: at('ws') });
  const env = {
    PATH: `${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: at('home'),
    STATE: at('state'),
    NODE: process.execPath,
    UDP: String(datagrams.address().port),
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name.toUpperCase(), String(port)])),
  };
  const notes: string[] = [];
  const begin = sandbox.around(createStartProcess(probed.layer), {
    stage,
    pipeline,
    cwd: at('ws'),
    config,
    env,
    report: (said) => {
      if (said.kind === 'note') notes.push(said.text);
    },
  });
  let said = '';
  const hear = (chunk: Buffer): void => {
    said += chunk.toString('latin1');
  };
  const running = begin(
    { argv: ['/bin/sh', '-c', script], cwd: at('ws'), env, stdin: 'ignore', tmpDir: root },
    { stdout: hear, stderr: hear },
  );
  return { running, ended: running.ended.then(() => ({ said, notes })), output: () => said };
}

async function run(script: string, asked?: Asked): Promise<Ended> {
  return await (
    await start(script, asked)
  ).ended;
}

const allowed = (): string[] => [
  `127.0.0.1:${String(ports.listed)}`,
  `localhost:${String(ports.echo)}`,
  `localhost:${String(ports.silent)}`,
];

/** Perl that connects to the relay, asks for `$ARGV[0]`, and goes on with $socket. */
const tunnel = `
use Socket;
sub to { socket(my $s, PF_INET, SOCK_STREAM, 0) or die "no socket\n"; connect($s, pack_sockaddr_in($_[0], INADDR_LOOPBACK)) or die "no way\n"; return $s }
my $socket = to(3128);
syswrite($socket, "CONNECT $ARGV[0] HTTP/1.1\\r\\n\\r\\n");
sysread($socket, my $answer, 4096);
$answer =~ /^HTTP.1.1 200 / or die "refused\n";
`;
const perl = (script: string, ...words: string[]): string =>
  `perl -e '${tunnel}${script}' ${words.join(' ')}`;

/** Opens 50 tunnels at once and has each say 64 KiB. */
const many = `
const { connect } = require("net");
const bytes = Buffer.alloc(65536, "x");
const one = (at) => new Promise((done, fail) => {
  let got = -39;
  const socket = connect(3128, "127.0.0.1", () => socket.write("CONNECT localhost:" + process.env.ECHO + " HTTP/1.1\\r\\n\\r\\n"));
  socket.once("data", () => { socket.write(bytes.subarray(at)); socket.end(); });
  socket.on("data", (chunk) => (got += chunk.length)).on("error", fail).once("end", () => done(got + at === 65536));
});
Promise.all(Array.from({ length: 50 }, (_, at) => one(at))).then((all) => console.log("good", all.filter(Boolean).length));
`;

/** What gets a command without a list, or past it, to somebody; each prints GOT where it did. */
const direct = `
(perl -e '${tunnel.replace('my $socket = to(3128);', 'to($ARGV[0]); print "GOT direct\n"; exit;')}' $LISTED)
(perl -MSocket -e 'socket(S,2,2,0) and connect(S,pack_sockaddr_in($ENV{UDP},inet_aton("127.0.0.1"))) and send(S,"x",0) and defined recv(S,$_,1,0) and length and print "GOT udp\n"')
("$NODE" -e 'require("dns").lookup("one.test",(e)=>e||console.log("GOT name"));require("dns").resolve("example.org",(e)=>e||console.log("GOT dns"))')
(perl -MSocket -e 'socket(S,2,3,1) and print "GOT raw\n"; socket(S,17,3,0x300) and print "GOT packet\n"')
("$NODE" -e 'require("net").connect(process.env.STATE+"/s",()=>console.log("GOT fleet")).on("error",()=>{})')
(ls "$STATE"/network/* && echo "GOT sockets")
(ls /proc/*/cmdline | xargs cat | grep -a [r]elay.pl && echo "GOT relay")
(ip link add dummy0 type dummy && echo "GOT link")
`;

/** Whoever is gone is noticed by what is sent. */
function nobodyIsHeld(): boolean {
  for (const socket of held) socket.write('x');
  return held.size === 0;
}

/** Relays that this process started. */
function relays(parent = process.pid): number[] {
  return processesWith('network/relay.pl').filter((pid) => readProcess(pid)?.parent === parent);
}

function sockets(): string[] {
  return readdirSync(at('state/network'));
}

describe.each(['default', 'strict'] as const)('a command with a list of hosts, under %s', (profile) => {
  it('reaches them by what its programs take for a proxy, and no others', async () => {
    const { said, notes } = await run(
      `curl -sS http://127.0.0.1:$LISTED/plain; echo
      curl -sS -p http://127.0.0.1:$LISTED/tunnel; echo
      git ls-remote http://127.0.0.1:$LISTED/repo.git
      curl -sS http://127.0.0.1:$OTHER/ http://evil.test/; curl -sS https://evil.test/
      "$NODE" -e '${many}'`,
      { profile },
    );
    const host = `127.0.0.1:${String(ports.listed)}`;
    expect(said.split('\n')).toEqual([
      `canary GET /plain ${host}`,
      `canary GET /tunnel ${host}`,
      `${commit}\tHEAD`,
      `${commit}\trefs/heads/main`,
      ...Array.from({ length: 2 }, () => expect.stringContaining('not in the list')),
      expect.stringContaining('403'),
      'good 50',
      '',
    ]);
    expect(notes.at(-1)).toBe(
      `Network: reached ${host}, localhost:${String(ports.echo)}; ` +
        `refused 127.0.0.1:${String(ports.other)}, evil.test:80, evil.test:443.`,
    );
    expect([relays(), sockets()]).toEqual([[], []]);
  });

  it('reaches nothing in any other way', async () => {
    const { said } = await run(`${direct}\necho DONE`, { profile });
    expect(said).toContain('DONE');
    expect(said).not.toContain('GOT');
  });
});

describe('a list of hosts', () => {
  it('is that of its own run, also beside another', async () => {
    const listed = [`127.0.0.1:${String(ports.listed)}`];
    const first = await start(`curl -sS http://127.0.0.1:$LISTED/ && sleep 600`, { network: listed });
    await eventually(() => first.output().includes('canary'));
    const second = await run(`curl -sS http://127.0.0.1:$LISTED/; curl -sS http://127.0.0.1:$OTHER/`, {
      network: [`127.0.0.1:${String(ports.other)}`],
    });
    expect(second.said).toMatch(/^codex-fleet does not pass this on.*\ncanary$/);
    await first.running.terminate(0);
  });

  it('ends what a run leaves half open with the run', async () => {
    const { running, ended, output } = await start(
      perl('shutdown($socket, 1); $| = 1; print "open\n"; sleep 600', '"localhost:$SILENT"'),
    );
    await eventually(() => output().includes('open'));
    expect([held.size, relays().length, sockets().length]).toEqual([1, 1, 1]);
    await running.terminate(0);
    await ended;
    expect([relays(), sockets()]).toEqual([[], []]);
    await eventually(nobodyIsHeld);
  });

  it('leaves no process behind where the worker is killed, and no socket after its next start', async () => {
    const dir = scratchFolder();
    const script = perl('$| = 1; print "open\n"; sleep 600', `127.0.0.1:${String(ports.silent)}`);
    const worker = spawn(
      process.execPath,
      [join(fixtures, 'hosts-supervisor.mjs'), dir, String(ports.silent), script],
      { env: { PATH: path }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    onTestFinished(() => {
      worker.kill('SIGKILL');
    });
    await once(worker.stdout, 'data');
    const pids = relays(worker.pid);
    expect(pids).toHaveLength(1);
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    await eventually(() => pids.every((pid) => readProcess(pid) === undefined) && nobodyIsHeld());
    expect(readdirSync(join(dir, 'network'))).toHaveLength(1);
    createSandbox({ layer: probed.layer, dir, ours: [] });
    expect(existsSync(join(dir, 'network'))).toBe(false);
  });

  it('is told among the layers once it was tried', async () => {
    await sandbox.proveHosts();
    expect(sandbox.known()?.at(-1)).toEqual({ layer: 'hosts', state: 'enforced' });
  });

  it('costs a run without one nothing', async () => {
    const { said, notes } = await run('env; echo; ls /proc/self/fd', { network: [] });
    expect(said).not.toMatch(/proxy/i);
    expect(notes).toHaveLength(1);
    expect(existsSync(at('state/network')) ? sockets() : []).toEqual([]);
  });
});

describe('a worker', () => {
  it('holds a pipeline to its hosts, less what a project takes away, and tells of it', async () => {
    const argv = ['/usr/bin/curl', '-sS', `http://127.0.0.1:${String(ports.listed)}/`];
    const get = { stages: [{ ...stage, argv }], network: [`127.0.0.1:${String(ports.listed)}`] };
    const worker = await openTestWorker({
      engines: { command: commandEngine },
      config: { reaping: 'auto', sandbox: {}, pipelines: { get }, commands: [{ argv }] },
    });
    const peer = await worker.connect();
    const ended = async (cwd: string) => {
      const { runs } = await peer.call('start_run', { pipeline: 'get', cwd });
      return await until(peer, runs[0]?.run_id ?? '', 'completed', 'failed');
    };
    mkdirSync(at('ws/project'));
    writeFileSync(at('ws/project/.codex-fleet.json'), JSON.stringify({ network: ['evil.test'] }));
    const [free, narrowed] = [await ended(at('ws')), await ended(at('ws/project'))];
    expect([free.status, free.notes.at(-1)]).toEqual([
      'completed',
      `Network: reached 127.0.0.1:${String(ports.listed)}.`,
    ]);
    expect([narrowed.status, narrowed.notes.length]).toEqual(['failed', 1]);
    const { sandbox: layers } = await peer.call('describe_worker', {});
    expect(layers?.at(-1)).toEqual({ layer: 'hosts', state: 'enforced' });
  });
});

describe('where a list of hosts cannot be held to', () => {
  const listing = (profile: SandboxProfile) => ({
    config: configSchema.parse({ sandbox: { profile, network: ['a.test'], allow_degraded: ['network'] } }),
    pipeline: pipelineSchema.parse({ stages: [stage] }),
    stages: [stage],
    cwd: '/var/tmp',
  });
  const refused = (why: string) => ({
    code: 'SANDBOX_UNAVAILABLE',
    message: expect.stringMatching(`^A list of network hosts is not enforceable here: ${why}`),
  });

  it('a run is refused without a sandbox', async () => {
    await expect(sandbox.check(listing('off'))).rejects.toMatchObject(
      refused('the sandbox profile is "off"'),
    );
    const begin = () =>
      sandbox.around(createStartProcess(probed.layer), {
        ...listing('off'),
        stage,
        cwd: at('ws'),
        env: {},
        report: () => undefined,
      });
    expect(begin).toThrow('not enforceable here');
  });

  it('a run is refused without namespaces, whatever may be gone without', async () => {
    const dir = scratchFolder();
    const { layer } = await probeReaping({ config: { reaping: 'best_effort' }, path, stateDir: dir });
    onTestFinished(() => layer.close());
    const weak = createSandbox({ layer, dir, ours: [], path });
    await expect(weak.check(listing('default'))).rejects.toMatchObject(refused('no network namespace'));
    expect((await weak.proveHosts()).state).toBe('missing');
  });

  it('no relay is started in the network of the machine', async () => {
    const running = createStartProcess(probed.layer)(
      {
        argv: ['/bin/true'],
        cwd: '/',
        env: {},
        stdin: 'ignore',
        tmpDir: root,
        relay: { argv: ['/bin/true'], socket: at('s') },
      },
      { stdout: () => undefined, stderr: () => undefined },
    );
    expect(await running.ended).toEqual({ kind: 'spawn', errno: 'EPERM' });
  });
});
