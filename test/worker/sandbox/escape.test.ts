import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeReaping, type ReapingProbe } from '../../../servers/worker/runner/reaping.ts';
import { createStartProcess } from '../../../servers/worker/runner/start-process.ts';
import { createSandbox, type Sandbox } from '../../../servers/worker/sandbox/sandbox.ts';
import { config as configSchema } from '../../../schemas/config.ts';
import { pipeline as pipelineSchema } from '../../../schemas/pipeline.ts';
import type { SandboxProfile } from '../../../schemas/sandbox.ts';
import { path } from '../runner/support.ts';
import { attacks, attacksOfRoot } from './attacks.ts';

const canary = 'canary-4f1d9c';
const isRoot = process.geteuid?.() === 0;

/** Without a twin: outside of a sandbox there is nothing to undo. */
const undoing: Record<string, string> = {
  'enter-init': 'nsenter -t 1 -m true',
  remount: 'mount -o remount,rw / && echo x > "$OUT/written"',
  uncover: 'umount "$HOME/.ssh" && grep -q CANARY "$HOME/.ssh/id_ed25519"',
  'uncover-in-namespace':
    'unshare -Urm sh -c \'umount -l "$HOME/.ssh"; grep -q CANARY "$HOME/.ssh/id_ed25519"\'',
  'enter-keeper': 'nsenter -t 1 -m -p cat "$HOME/.ssh/id_ed25519" | grep -q CANARY',
};

const root = mkdtempSync('/var/tmp/fe-');
const at = (...names: string[]): string => join(root, ...names);
const shared = mkdtempSync('/tmp/fe-');
const server = createServer((socket) => socket.end());
const abstract = createServer((socket) => socket.end());
const local = createServer((socket) => socket.end());
const datagrams = createSocket('udp4', (message, { port: from, address }) => {
  datagrams.send(message, from, address);
});
let other: ChildProcess;
/** What runs outside of a sandbox here: without a namespace of its own, so that every attack has its twin. */
let open: ReapingProbe;
let probed: ReapingProbe;
let sandbox: Sandbox;
let port = 0;

beforeAll(async () => {
  for (const folder of ['home/.ssh', 'state/workers/w2/runs/r/home', 'out', 'ws']) {
    mkdirSync(at(folder), { recursive: true });
  }
  const secrets = ['home/.ssh/id_ed25519', 'home/.netrc', 'state/workers/w2/runs/r/home/auth.json'];
  for (const file of secrets) writeFileSync(at(file), `CANARY ${canary}`);
  for (const name of ['out/kept', 'out/moved', 'out/removed']) writeFileSync(at(name), 'kept');
  writeFileSync(join(shared, 'canary'), `CANARY ${canary}`);
  chmodSync(shared, 0o755);
  other = spawn('/bin/sleep', ['600'], { env: { ENV_CANARY: canary }, cwd: at('home/.ssh') });
  open = await probeReaping({ config: { reaping: 'best_effort' }, path, stateDir: at('state') });
  server.listen(0, '127.0.0.1');
  abstract.listen(`\0${root}`);
  local.listen(at('state/s'));
  datagrams.bind(0, '127.0.0.1');
  await Promise.all([server, abstract, local, datagrams].map((one) => once(one, 'listening')));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  probed = await probeReaping({ config: { reaping: 'auto' }, path, stateDir: at('state') });
  sandbox = createSandbox({ layer: probed.layer, dir: at('state'), ours: [at('state')] });
});

afterAll(async () => {
  other.kill('SIGKILL');
  for (const one of [server, abstract, local, datagrams]) one.close();
  await Promise.all([open.layer.close(), probed.layer.close()]);
  rmSync(root, { recursive: true, force: true });
  rmSync(shared, { recursive: true, force: true });
});

/** Tries all of them in one run of that profile; answers the names of those that got through. */
async function escapes(profile: SandboxProfile, tried: Record<string, string>): Promise<string[]> {
  const config = configSchema.parse({ sandbox: { profile } });
  const stage = { name: 'attack', engine: 'command' as const, argv: ['/bin/sh'] };
  const pipeline = pipelineSchema.parse({ stages: [stage] });
  await sandbox.check({ config, pipeline, stages: [stage] });
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: at('home'),
    STATE: at('state'),
    OUT: at('out'),
    SHARED: shared,
    OTHER: String(other.pid),
    PORT: String(port),
    UDP: String(datagrams.address().port),
    ABSTRACT: root,
    NODE: process.execPath,
    OWN: `fleet-escape-${String(process.pid)}`,
  };
  const lines = Object.entries(tried).map(
    ([name, script]) => `( ${script} ) >/dev/null 2>&1 && echo "GOT ${name}"`,
  );
  const argv = ['/bin/sh', '-c', `rm -f link hard\n${lines.join('\n')}\necho DONE`] as const;
  const cwd = at('ws');
  let said = '';
  const start = sandbox.around(createStartProcess(profile === 'off' ? open.layer : probed.layer), {
    stage,
    pipeline,
    cwd,
    config,
    env,
    report: () => undefined,
  });
  const running = start(
    { argv, cwd, env, stdin: 'ignore', tmpDir: shared },
    { stdout: (chunk) => (said += chunk.toString()), stderr: (chunk) => (said += chunk.toString()) },
  );
  expect(await running.ended).toEqual({ kind: 'exit', code: 0 });
  expect(said).toContain('DONE');
  return [...said.matchAll(/^GOT (.+)$/gm)].map(([, name]) => name ?? '');
}

const allTried = Object.fromEntries(
  Object.entries({ ...attacks, ...(isRoot ? attacksOfRoot : {}) }).map(([name, { script }]) => [
    name,
    script,
  ]),
);

describe('a command that wants out', () => {
  it('gets through where nothing confines it: every attack is a real one', async () => {
    expect(await escapes('off', allTried)).toEqual(Object.keys(allTried));
  });

  it.each(['default', 'strict'] as const)('does not under %s', async (profile) => {
    expect(await escapes(profile, { ...allTried, ...undoing })).toEqual([]);
  });

  it('cannot make a user namespace under strict', async () => {
    expect(await escapes('strict', { namespace: 'unshare -U true' })).toEqual([]);
  });

  it('may do under each what runs are for', async () => {
    const work = {
      'write-here': 'echo x > here && rm here',
      'write-tmp': 'echo x > /tmp/x && test "$TMPDIR" = /tmp',
      node: '"$NODE" -e "process.exit(0)"',
      git: 'git init -q repo && cd repo && git status && cd .. && rm -r repo',
      threads: `"$NODE" -e 'new (require("worker_threads").Worker)("process.exit(0)",{eval:true})'`,
      devices: 'head -c 4 /dev/urandom && echo x > /dev/null',
    };
    for (const profile of ['default', 'strict'] as const) {
      expect(await escapes(profile, work)).toEqual(Object.keys(work));
    }
  });
});
