import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layersOf } from '../../../core/sandbox.ts';
import type { LayerState, SandboxLayer } from '../../../schemas/sandbox.ts';
import { closeOf } from '../runner/child.ts';
import type { ReapingLayer } from '../runner/layer.ts';
import type { Confinement, ProcessSpec } from '../runner/process.ts';
import type { Way } from './ways.ts';

/** It takes some tens of milliseconds; a host that needs longer runs nothing. */
const limitMs = 10_000;

/**
 * What gets round Landlock: sockets of every kind, files changed without opening them, and other processes,
 * such as ours. Fixed text; nothing is put into it.
 */
const perlSpy = `
my ($dir, $worker) = @ARGV;
for my $family (1, 2, 10, 16, 17, 40) {
    for my $type (1, 2, 3, 5) { print "socket $family\n" if socket(my $socket, $family, $type, 0) }
}
print "socket pair\n" if socketpair(my $one, my $other, 1, 2, 0);
print "mode\n" if chmod 0666, "$dir/kept";
print "times\n" if utime 1, 1, "$dir/kept";
print "truncated\n" if truncate "$dir/kept", 0;
print "signal\n" if kill 0, $worker;
print "environment\n" if open my $environment, "<", "/proc/$worker/environ";
print "tried\n";
`;

/**
 * What a command that wants out would try first. `$1` is a folder with a secret beside the workspace, `$2`
 * our pid, `$3` and `$4` a Perl and what it tries, where there is one. Fixed text; nothing is put into it.
 */
const spy = `
[ -z "$3" ] || "$3" -e "$4" "$1" "$2"
cat "$1/secret/canary" 2>/dev/null
echo out > "$1/outside" 2>/dev/null
echo in > inside && echo "workspace writable"
echo "links $(grep -c : /proc/net/dev)"
echo "pids $(readlink /proc/self/ns/pid)"
grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status
`;

type Shape = (folders: { workspace: string; secret: string }) => Confinement;

/**
 * Runs a command in the sandbox and looks at what it could do: the state of each layer of `strict`, of
 * which the filter of system calls is tried apart.
 */
export async function proveSandbox(options: Proof): Promise<LayerState[]> {
  const plain = await tryOnce(options, false);
  const filtered = await tryOnce(options, true);
  const states = layersOf.default.map((layer): LayerState => stateOf(layer, plain));
  return [...states, stateOf('system_calls', filtered)];
}

export interface Proof {
  layer: ReapingLayer;
  stateDir: string;
  way: Way;
  /** Where there is one: what it knows to try is what gets round Landlock. */
  perl: string | undefined;
  shape: Shape;
}

/** Why a layer does not hold; undefined where it does. Where it holds in part, `inPart`. */
type Faults = Readonly<Record<SandboxLayer, string | { inPart: string } | undefined>>;

function stateOf(layer: SandboxLayer, faults: Faults): LayerState {
  const fault = faults[layer];
  if (fault === undefined) return { layer, state: 'enforced' };
  if (typeof fault === 'string') return { layer, state: 'missing', why: fault };
  return { layer, state: 'degraded', why: fault.inPart };
}

async function tryOnce(options: Proof, filtersCalls: boolean): Promise<Faults> {
  const { stateDir, shape, way } = options;
  const dir = join(stateDir, `sandbox-${randomBytes(6).toString('hex')}`);
  const [workspace, secret] = [join(dir, 'workspace'), join(dir, 'secret')];
  const canary = randomBytes(16).toString('hex');
  try {
    for (const folder of [workspace, secret]) await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(secret, 'canary'), canary);
    await writeFile(join(dir, 'kept'), '');
    const confinement = { ...shape({ workspace, secret }), filtersCalls };
    const said = await listen(options, confinement, { dir, workspace });
    const outside = await readFile(join(dir, 'outside'), 'utf8').catch(() => '');
    const inside = await readFile(join(workspace, 'inside'), 'utf8').catch(() => '');
    const ourPids = await readlink('/proc/self/ns/pid');
    const seen = { said, canary, outside, inside, ourPids };
    return way.by === 'landlock' ? judgeLandlock(seen) : judge(seen);
  } catch (error) {
    return allFaulty(error instanceof Error ? error.message : String(error));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function listen(
  { layer, way, perl }: Proof,
  confinement: Confinement,
  { dir, workspace }: { dir: string; workspace: string },
): Promise<string> {
  const byPerl = way.by === 'landlock' && perl !== undefined ? [perl, perlSpy] : [];
  const spec: ProcessSpec = {
    argv: ['/bin/sh', '-c', spy, 'spy', dir, String(process.pid), ...byPerl],
    env: { PATH: '/usr/bin:/bin' },
    stdin: 'ignore',
    cwd: workspace,
    tmpDir: workspace,
  };
  const { child, tree } = await layer.launch(way.confine(spec, confinement, 'whole'));
  const heard = { out: '', complaint: '' };
  child.stdout?.on('data', (chunk: Buffer) => (heard.out += chunk.toString('latin1')));
  child.stderr?.on('data', (chunk: Buffer) => (heard.complaint += chunk.toString('latin1')));
  const timer = setTimeout(() => void tree.kill(), limitMs);
  try {
    await closeOf(child);
  } finally {
    clearTimeout(timer);
    await tree.kill();
  }
  if (heard.out !== '') return heard.out;
  throw new Error(heard.complaint.replaceAll(/\s+/g, ' ').trim().slice(0, 300) || 'nothing came of it');
}

interface Seen {
  said: string;
  canary: string;
  outside: string;
  inside: string;
  /** The namespace of processes we are in. */
  ourPids: string;
}

function judge({ said, canary, outside, inside, ourPids }: Seen): Faults {
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(said)?.[1] ?? '';
  const hidesFiles = !said.includes(canary) && outside === '';
  const isUnprivileged = /^0+$/.test(field('CapEff')) && field('NoNewPrivs') === '1';
  return {
    filesystem: !hidesFiles
      ? 'a planted secret was read, or a file outside written'
      : inside.trim() === 'in'
        ? undefined
        : 'the workspace could not be written',
    network: said.includes('links 1\n') ? undefined : 'other links than the loopback were seen',
    processes:
      /^pids pid:/m.test(said) && !said.includes(ourPids) ? undefined : 'processes outside were seen',
    privileges: isUnprivileged ? undefined : 'capabilities were left',
    system_calls: field('Seccomp') === '2' ? undefined : 'no filter was installed',
  };
}

/** It has no view of its own of processes and links: what it could do counts. */
function judgeLandlock(seen: Seen): Faults {
  const { filesystem, privileges, system_calls } = judge(seen);
  const did = (what: string): boolean => new RegExp(`^${what}`, 'm').test(seen.said);
  const untried = did('tried') ? undefined : 'it was not tried';
  const touched = ['signal', 'environment'].filter(did);
  const others =
    touched.length === 0 ? 'though not read or signalled' : `and reached (${touched.join(', ')})`;
  return {
    filesystem:
      filesystem ??
      untried ??
      (did('truncated|mode|times')
        ? { inPart: 'files outside could be emptied, or their modes or times changed' }
        : undefined),
    network: did('socket') ? 'sockets could be opened' : untried,
    processes: { inPart: `other processes and sockets are seen in /proc, ${others}` },
    privileges,
    system_calls,
  };
}

function allFaulty(why: string): Faults {
  return { filesystem: why, network: why, processes: why, privileges: why, system_calls: why };
}
